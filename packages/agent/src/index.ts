import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SallyportError } from '@sallyport/core';
import type { AgentBundle } from '@sallyport/core/engine';

/**
 * Where the agent's program lies on this host. The directory works alone: it holds one JavaScript file and
 * node-pty beside it, and can be shown to a machine at any other path. Throws `CONFIG_INVALID` where it has not been built, or
 * brings no node-pty for this platform.
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
  const binaries = join(directory, 'node_modules', '@lydell');
  const platform = `${process.platform}-${process.arch}`;
  if (!existsSync(join(binaries, `node-pty-${platform}`))) {
    const supported = readdirSync(binaries).map((name) => name.replace('node-pty-', ''));
    throw new SallyportError(
      'CONFIG_INVALID',
      `Machines cannot run on ${platform}: the agent has no node-pty for it.`,
      {
        hint: `Run the server on one of ${supported.join(', ')}.`,
      },
    );
  }
  return { directory, entry: 'main.js', nodeArgs: [], node: process.execPath };
}
