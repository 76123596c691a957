import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SallyportError } from '@sallyport/core';
import type { AgentBundle } from '@sallyport/core';

/**
 * Where the agent's program lies on this host. The directory works alone: it holds one JavaScript file and
 * node-pty beside it, and can be shown to a machine at any other path.
 */
export function agentBundle(): AgentBundle {
  // This file is `src/index.ts` or `dist/index.js`; both lie one directory below the package.
  const directory = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'agent');
  if (!existsSync(join(directory, 'main.js'))) {
    throw new SallyportError(
      'CONFIG_INVALID',
      `The agent has not been built: ${join(directory, 'main.js')} is missing.`,
      {
        hint: 'Run `npx turbo run build --filter=@sallyport/agent`.',
      },
    );
  }
  return { directory, entry: 'main.js', nodeArgs: [], node: process.execPath };
}
