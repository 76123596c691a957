import { describe, expect, it } from 'vitest';

import { startDesktop } from './index.ts';

const isRoot = process.getuid?.() === 0;

/** Everything that needs a screen and a browser is in `e2e/desktop`. */
describe('the desktop', () => {
  it.runIf(isRoot)('refuses to start as root, and says why', async () => {
    const paths = { runtime: '/nonexistent' };
    const size = { width: 800, height: 600 };
    const { signal } = new AbortController();
    const options = { ...paths, size, proxyPort: undefined, certificateAuthority: undefined, signal, onExit: () => {} };
    await expect(startDesktop(options)).rejects.toMatchObject({
      code: 'MACHINE_UNSUPPORTED',
      message: expect.stringContaining('no sandbox when it runs as root'),
    });
  });
});
