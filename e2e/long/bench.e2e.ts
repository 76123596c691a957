import { execa } from 'execa';
import { expect, it } from 'vitest';

import { repository } from '../support/server.ts';
import { OPERATOR_PATIENCE_MS } from '../support/operator.ts';

/** Those that run without being named, and `clients` and `scale`: a bench that nobody runs is soon one that does not run. */
const names = [
  'idle-memory',
  'first-event',
  'login-url',
  'credential-stored',
  'login-page',
  'slow-viewer',
  'terminal-throughput',
  'disks',
  'lifecycle',
  'clients',
  'scale',
];

it.each(names)(
  'the bench %s runs to its end, and judges nothing by one pair',
  async (name) => {
    const { stdout, exitCode } = await execa(
      process.execPath,
      ['--conditions=@sallyport/source', 'bench/run.ts', name, '--pairs', '1'],
      { cwd: repository, reject: false },
    );
    expect(stdout).toMatch(/^0 limits hold, 0 exceeded, \d+ too noisy to tell\./m);
    expect(exitCode).toBe(0);
  },
  OPERATOR_PATIENCE_MS,
);
