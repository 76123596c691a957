import { join } from 'node:path';

import { expect, it } from 'vitest';

import {
  freePort,
  makeDataDirectory,
  processesOf,
  removeDirectory,
  runOwn,
} from '../../test/server/sallyport-process.ts';
import { readmeCommands } from '../../test/setup/readme-commands.ts';

it.each(['the whole process group', 'npm alone'])(
  "the README's command starts a demo that serves its page, and ends as a whole when the signal reaches %s",
  async (target) => {
    const directory = await makeDataDirectory();
    const port = await freePort();
    // npm puts this repository's Node in front of the system's, which is what a reader has.
    const environment = {
      HOME: directory,
      // Not where npm keeps its files.
      SALLYPORT_DATA_DIR: join(directory, 'data'),
      PORT: String(port),
      PATH: systemPath(),
    };
    const [, start = ''] = readmeCommands?.[0]?.split(' && ') ?? [];
    const [npm = '', ...args] = start.split(' ');
    const demo = runOwn('setsid', [npm, ...args], environment);
    try {
      const address = (await demo.saying(/sallyport listening on http:\S+/)).split(' ').at(-1) ?? '';
      expect(address).toBe(`http://127.0.0.1:${port}`);
      const page = await fetch(address);
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toMatch(/^text\/html/);
      expect(await page.text()).toContain('<script type="module" src="/page.js">');
      expect((await fetch(`${address}/page.js`)).status).toBe(200);
      expect(await (await fetch(`${address}/api/providers`)).json()).toMatchObject([
        { id: 'codex', connected: false, disabled: null },
        { id: 'claude_code', connected: false, disabled: null },
        { id: 'gemini_cli', connected: false, disabled: null },
      ]);
      // `setsid` makes npm the leader of its group, as a terminal would.
      const npmId = demo.child.pid ?? 0;
      process.kill(target === 'npm alone' ? npmId : -npmId, 'SIGTERM');
      const { code, signal } = await demo.ended;
      // npm ends itself by the signal it was sent.
      expect(signal ?? code).toBeOneOf([0, 'SIGTERM']);
      expect(demo.output().stderr).not.toMatch(/warning|deprecat/i);
      await expect.poll(() => processesOf(directory)).toEqual([]);
    } finally {
      for (const line of processesOf(directory)) process.kill(Number.parseInt(line, 10), 'SIGTERM');
      await demo.ended;
      await removeDirectory(directory);
    }
  },
);

function systemPath(): string {
  return (process.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':');
}
