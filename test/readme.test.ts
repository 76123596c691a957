import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { freePort, makeDataDirectory, processesOf, removeDirectory, root, runOwn } from './server/sallyport-process.ts';

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

/** Each command a reader is told to type: lines indented by four blanks at the top of the README. */
const commands = readFileSync(join(root, 'README.md'), 'utf8')
  .split('\n## ')[0]
  ?.split('\n')
  .filter((line) => line.startsWith('    '))
  .map((line) => line.trim());

describe("the README's commands", () => {
  it('are an installation and one script each', () => {
    expect(commands).toEqual(['npm ci && npm start -- --demo', 'npm ci && npm test']);
    for (const script of ['start', 'test']) expect(scripts[script]).toMatch(/^node scripts\/require-node\.cjs && /);
  });

  it('are those that CI runs', () => {
    const lines = readFileSync(join(root, '.ci/run'), 'utf8').split('\n');
    expect(lines).toContain('npm ci');
    expect(lines.some((line) => /^npm test( |$)/.test(line))).toBe(true);
    expect(lines.some((line) => /^npm run e2e -- smoke( |$)/.test(line))).toBe(true);
  });

  it.each(['the whole process group', 'npm alone'])(
    'start a demo that serves its page, and ends as a whole when the signal reaches %s',
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
      const [, start = ''] = commands?.[0]?.split(' && ') ?? [];
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
        // `setsid` makes npm the leader of a group of its own, as a terminal would.
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
    120_000,
  );
});

function systemPath(): string {
  return (process.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':');
}
