import { cwd } from 'node:process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { startFakeFirecracker } from '@sallyport/testkit';

/** The fake as a process of its own, in a jail that is its working directory. */
const { values } = parseArgs({
  options: {
    id: { type: 'string' },
    'start-time-us': { type: 'string' },
    'start-time-cpu-us': { type: 'string' },
    'api-sock': { type: 'string' },
  },
});
const fake = await startFakeFirecracker({
  socketPath: join(cwd(), values['api-sock'] ?? ''),
  root: cwd(),
  ...(values.id !== undefined && { id: values.id }),
});
const { code } = await fake.exited;
process.exit(code ?? 1);
