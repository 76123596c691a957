import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import {
  freePort,
  makeDataDirectory,
  processesOf,
  removeDirectory,
  root,
  runOwn,
  runSallyport,
  sallyportCommand,
} from './sallyport-process.ts';
import type { OwnProcess } from './sallyport-process.ts';

const directories: string[] = [];
const running: OwnProcess[] = [];

async function newDirectory(): Promise<string> {
  const directory = await makeDataDirectory();
  directories.push(directory);
  return directory;
}

function start(directory: string, args: readonly string[] = [], environment: Record<string, string> = {}): OwnProcess {
  const started = runSallyport(args, { SALLYPORT_DATA_DIR: directory, PORT: '0', ...environment });
  running.push(started);
  return started;
}

async function failed(started: OwnProcess, code = 1): Promise<string> {
  expect(await started.ended).toEqual({ code, signal: null });
  const { stderr } = started.output();
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr.startsWith('{') ? failureIn(stderr) : stderr;
}

/** Where nobody reads along, everything but usage is one JSON object a line. */
function failureIn(log: string): string {
  const lines = log
    .trim()
    .split('\n')
    .map((line) => Object(JSON.parse(line)));
  return lines.flatMap(({ level, msg, hint }) => (level === 60 ? [`${msg}\n${hint}`] : [])).join('\n');
}

afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGTERM');
    await ended;
  }
});
afterAll(async () => {
  for (const directory of directories) await removeDirectory(directory);
});

describe('a server that cannot start', () => {
  it.each([
    [['--bogus'], 2, /^error: unknown option '--bogus'\nRun `sallyport --help`/],
    [['--confg', 'x'], 2, /^error: unknown option '--confg'\n\(Did you mean --config\?\)\nRun `sallyport --help`/],
    [['--config'], 2, /^error: option '--config <file>' argument missing\nRun `sallyport --help`/],
    [['doktor'], 2, /^error: unknown command 'doktor'\n\(Did you mean doctor\?\)\nRun `sallyport --help`/],
    [['--demo', 'dance'], 2, /^error: unknown command 'dance'\nRun/],
    [['serve', 'twice'], 2, /^error: too many arguments for 'serve'/],
    [['images', 'bild'], 2, /^error: unknown command 'bild'\n\(Did you mean build\?\)/],
    [['audit', '--limt', '3'], 2, /^error: unknown option '--limt'\n\(Did you mean --limit\?\)/],
    [['doctor', 'xen'], 2, /Allowed choices are firecracker, qemu/],
    [['--config', '/nowhere/sallyport.config.ts'], 1, /no configuration file \/nowhere\/sallyport\.config\.ts/],
  ])('because of its arguments %j says so, and ends with %d', async (args, code, message) => {
    const directory = await newDirectory();
    expect(await failed(start(directory, args), code)).toMatch(message);
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([
    ['HOST', '0.0.0.0', /HOST must be a loopback address/],
    ['HOST', '192.168.1.5', /HOST must be a loopback address/],
    ['PORT', 'http', /PORT must be a port number/],
    ['PORT', '65536', /PORT must be at most 65535/],
    ['LOG_LEVEL', 'loud', /LOG_LEVEL is "loud"[^]*debug/],
    ['DATABASE_URL', 'mysql://user:hunter2@host/db', /DATABASE_URL must be a URL such as postgres:/],
  ])('because of %s=%s says so', async (name, value, message) => {
    const directory = await newDirectory();
    const text = await failed(start(directory, [], { [name]: value }));
    expect(text).toMatch(message);
    expect(text).not.toContain('hunter2');
    expect(await readdir(directory)).toEqual([]);
  });

  it('because its configuration is wrong names the setting', async () => {
    const directory = await newDirectory();
    const file = join(directory, 'wrong.config.ts');
    await writeFile(file, `export default { providers: 5, idle: 5 };\n`);
    expect(await failed(start(directory, ['--config', file]))).toMatch(/wrong\.config\.ts[^]*providers/);
  });

  it('because its database does not answer leaves nothing running', async () => {
    const directory = await newDirectory();
    const url = `postgres://user:hunter2@127.0.0.1:${await freePort()}/db`;
    const message = await failed(start(directory, [], { DATABASE_URL: url }));
    expect(message).not.toContain('hunter2');
    expect(message).toMatch(/PostgreSQL at 127\.0\.0\.1:\d+ \(database db, user user\) cannot be used/);
    expect(processesOf(directory)).toEqual([]);
  });

  it('because its port is taken says so, and takes down what it had started', async () => {
    const directory = await newDirectory();
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const port = String(typeof address === 'object' && address?.port);
    const message = await failed(start(directory, [], { PORT: port }));
    holder.close();
    expect(message).toContain(`The server cannot listen on 127.0.0.1:${port}`);
    expect(message).toContain('set PORT to another one');
    expect(processesOf(directory)).toEqual([]);
  });
});

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

describe('the help of sallyport', () => {
  it.each<[readonly string[], readonly string[]]>([
    [
      [],
      ['serve run the server (default)', 'doctor [kind]', 'audit [options] [action]', '--demo', 'SALLYPORT_DATA_DIR'],
    ],
    [['serve'], ['--config <file>', '(default: sallyport.config.ts)']],
    [['doctor'], ['(choices: "firecracker", "qemu")']],
    [['providers'], ['list say what is on', 'disable <id>', 'verify [options] <id>', '--latest <n>']],
    [
      ['providers', 'verify'],
      ['--cli-version <version>', '--directory <directory>'],
    ],
    [['transcript'], ['record [options] <provider> <method>', '--out <directory>', '(default: ".")']],
    [['images'], ['build [options] <kind>', '--refresh', '--source']],
    [['persistence'], ['--cycles <n>', '(default: 20)']],
    [['capacity'], ['--cores <n>', '(default: 62)', '--machines <n>', '(default: 3)']],
    [['migrations'], ['apply', 'export <directory>']],
    [['master-key'], ['--copied']],
    [['api-keys'], ['--role <role>', 'revoke <id>']],
    [['audit'], ['--since <time>', '(default: 50)']],
  ])('names what %j takes, and does nothing', async (command, parts) => {
    const directory = await newDirectory();
    const asked = start(directory, [...command, '--help']);
    expect(await asked.ended).toEqual({ code: 0, signal: null });
    const { stdout, stderr } = asked.output();
    expect(stderr).toBe('');
    const text = stdout.replaceAll(/\s+/g, ' ');
    expect(text).toContain(`Usage: ${['sallyport', ...command].join(' ')} [options]`);
    for (const part of parts) expect(text).toContain(part);
    expect(await readdir(directory)).toEqual([]);
  });

  it('has the version of the package', async () => {
    const asked = start(await newDirectory(), ['--version']);
    expect(await asked.ended).toEqual({ code: 0, signal: null });
    const { version } = JSON.parse(await readFile(join(root, 'packages/server/package.json'), 'utf8'));
    expect(asked.output().stdout).toBe(`${version}\n`);
  });
});

describe('sallyport doctor', () => {
  it('prints what this host has and what it lacks, each with its fix', async () => {
    const directory = await newDirectory();
    const doctor = start(directory, ['doctor']);
    expect(await doctor.ended).toEqual({ code: 0, signal: null });
    const { stdout, stderr } = doctor.output();
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^ok {8}node: Node \d+/m);
    expect(stdout).toMatch(/^ok {8}embedded PostgreSQL: version \d+/m);
    for (const [line] of stdout.matchAll(/^(?:missing|degraded).*\n.*/gm)) expect(line).toMatch(/\n {10}\S/);
    expect(stdout).toMatch(/^ok {8}npm: .*\d+\.\d+/m);
    expect(stdout).toMatch(/^ok {8}port: any free one on 127\.0\.0\.1/m);
    expect(stdout).toMatch(/\n`sallyport serve` would work here\..*\n$/);
    expect(stdout).not.toContain('jailer');
  });

  it('ends with 1 when a finding would keep the server from starting', async () => {
    const DATABASE_URL = `postgres://ada:hunter2@127.0.0.1:${await freePort()}/product`;
    const doctor = start(await newDirectory(), ['doctor'], { DATABASE_URL });
    expect(await doctor.ended).toEqual({ code: 1, signal: null });
    const { stdout } = doctor.output();
    expect(stdout).toMatch(/^missing {3}DATABASE_URL: PostgreSQL at 127\.0\.0\.1:\d+ \(database product, user ada\)/m);
    expect(stdout).toMatch(/\n`sallyport serve` would not work here: fix DATABASE_URL first\.\n$/);
    expect(stdout).not.toContain('hunter2');
  });

  it('says what Firecracker asks of a host to those who ask for it', async () => {
    const doctor = start(await newDirectory(), ['doctor', 'firecracker']);
    const { code } = await doctor.ended;
    const { stdout, stderr } = doctor.output();
    expect(code).toBe(/^missing/m.test(stdout) ? 1 : 0);
    expect(stderr).toBe('');
    for (const name of ['firecracker', 'jailer', 'KVM', 'jails', 'swap', 'nftables']) {
      expect(stdout).toMatch(new RegExp(`^(?:ok|missing|degraded) +${name}: \\S`, 'm'));
    }
    for (const [line] of stdout.matchAll(/^(?:missing|degraded).*\n.*/gm)) expect(line).toMatch(/\n {10}\S/);
    expect(stdout).toMatch(/^Firecracker can/m);
  });
});
