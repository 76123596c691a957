import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { processesOf, root, runOwn, sallyportCommand } from '../../test/server/sallyport-process.ts';
import { useProgramRuns } from '../support/program-runs.ts';

const { newDirectory, start, failed } = useProgramRuns();

describe('a server that runs', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await newDirectory();
  });

  it('keeps a second one away from its data and names itself', async () => {
    const first = start(directory);
    await first.saying('sallyport listening on http://127.0.0.1:');
    const message = await failed(start(directory));
    expect(message).toContain(`Another server (pid ${first.child.pid}) is using ${directory}`);
    expect(message).toContain('SALLYPORT_DATA_DIR');
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('ends with 0 and leaves nothing running on %s', async (signal) => {
    const server = start(directory);
    await server.saying('sallyport listening on');
    server.child.kill(signal);
    // What a terminal sends, npm passes on once more.
    server.child.kill(signal);
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(processesOf(directory)).toEqual([]);
    expect(server.output().stderr).not.toMatch(/warning|deprecat/i);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('that hangs while it stops ends at once on a second %s', async (signal) => {
    const file = join(await newDirectory(), 'hanging.config.ts');
    const pipe = `${file}.pipe`;
    execFileSync('mkfifo', [pipe]);
    // Reading a pipe that nobody writes to holds a thread, and with it the end of the process.
    const egress = `{ name: 'none', open: async () => { throw new Error('none'); }, close: () => {
      console.log('stopping'); return import('node:fs/promises').then(({ readFile }) => readFile(${JSON.stringify(pipe)}));
    } }`;
    const providers = `['@sallyport/provider-codex']`;
    await writeFile(file, `export default { providers: ${providers}, egress: ${egress} };\n`);
    const own = await newDirectory();
    const server = start(own, ['--config', file]);
    await server.saying('sallyport listening on');
    server.child.kill('SIGTERM');
    await server.saying('stopping');
    // Those that come at once count as the first one.
    await expect.poll(() => server.child.kill(signal)).toBe(false);
    expect(await server.ended).toEqual({ code: null, signal });
    // Its database server has not been stopped. The next start does that.
    const next = start(own);
    await next.saying('sallyport listening on');
    next.child.kill('SIGTERM');
    expect(await next.ended).toEqual({ code: 0, signal: null });
    expect(processesOf(own)).toEqual([]);
  });

  it('ends cleanly when it is told to while it is still starting', async () => {
    const server = start(directory);
    await server.logging('Machines are ');
    server.child.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(processesOf(directory)).toEqual([]);
  });

  it('prints the fixed line alone, and a log of JSON that says what ended', async () => {
    const server = start(directory);
    const line = await server.saying(/^sallyport listening on http:\/\/127\.0\.0\.1:\d+$/m);
    server.child.kill('SIGTERM');
    await server.ended;
    const { stdout, stderr } = server.output();
    expect(stdout).toBe(`${line}\n`);
    const lines = stderr
      .trim()
      .split('\n')
      .map((text) => Object(JSON.parse(text)));
    expect(lines.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/^Machines are /));
  });

  it('goes on when nobody reads what it prints', async () => {
    const server = start(directory);
    const address = await server.saying(/http:\S+/);
    server.child.stdout?.destroy();
    server.child.stderr?.destroy();
    for (let request = 0; request < 5; request += 1) {
      expect((await fetch(`${address}/api/providers?unknown=1`)).status).toBe(400);
    }
    server.child.kill('SIGTERM');
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });

  it.each([
    ['npx', ['--no', '-c', sallyportCommand.join(' ')]],
    ['npm', ['run', '--silent', 'serve']],
  ])('ends when SIGTERM reaches %s alone, which started it through a shell', async (program, args) => {
    const own = await newDirectory();
    const file = join(root, 'sallyport.config.ts');
    const scripts = { serve: `${sallyportCommand.join(' ')} --config ${file} && true` };
    await writeFile(join(own, 'package.json'), JSON.stringify({ name: 'product', scripts }));
    const prefix = program === 'npm' ? ['--prefix', own] : [];
    const config = { HOME: own, SALLYPORT_DATA_DIR: join(own, 'data'), PORT: '0', npm_config_update_notifier: 'false' };
    const npm = runOwn(program, [...prefix, ...args], config);
    await npm.saying('sallyport listening on');
    expect(processesOf(own).length).toBeGreaterThan(2);
    npm.child.kill('SIGTERM');
    // Its output stays open for as long as the server runs.
    await npm.ended;
    expect(npm.output().stderr).toContain('The npm command that started the server has ended');
    await expect.poll(() => processesOf(own)).toEqual([]);
  });

  it('ends when its terminal is closed', async () => {
    const command = sallyportCommand.join(' ');
    const terminal = runOwn('script', ['-qefc', command, '/dev/null'], { SALLYPORT_DATA_DIR: directory, PORT: '0' });
    await terminal.saying('sallyport listening on');
    expect(processesOf(directory).length).toBeGreaterThan(1);
    terminal.child.kill('SIGKILL');
    await expect.poll(() => processesOf(directory)).toEqual([]);
  });
});
