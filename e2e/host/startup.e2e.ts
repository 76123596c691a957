import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { freePort, processesOf, root } from '../../test/server/sallyport-process.ts';
import { useProgramRuns } from '../support/program-runs.ts';

const { newDirectory, start, failed } = useProgramRuns();

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
    [['credentials'], ['--server <url>', '--key-file <file>']],
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
  it('prints what this host has and what is missing, each with its fix', async () => {
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
