#!/usr/bin/env node
// The jailer as strict as the real one about what it is given, without what needs root: no new root folder, user or
// namespace. What it starts finds its root as its working directory. As with the real one, this process ends before
// Firecracker runs and before its number is written down.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

const one = { type: 'string' };
const many = { type: 'string', multiple: true };
const end = process.argv.indexOf('--');
const { values } = parseArgs({
  args: process.argv.slice(2, end),
  options: {
    id: one,
    'exec-file': one,
    uid: one,
    gid: one,
    'chroot-base-dir': one,
    netns: one,
    'cgroup-version': one,
    'parent-cgroup': one,
    cgroup: many,
    'resource-limit': many,
    'new-pid-ns': { type: 'boolean' },
    daemonize: { type: 'boolean' },
  },
});

function refuse(why) {
  process.stderr.write(`Jailer error: ${why}\n`);
  process.exit(1);
}

if (!/^[A-Za-z0-9-]{1,64}$/.test(values.id ?? '')) refuse(`Invalid instance ID: ${String(values.id)}`);
if (!/^\d+$/.test(values.uid ?? '') || !/^\d+$/.test(values.gid ?? '')) refuse('Invalid uid or gid');
if (!existsSync(values.netns ?? '')) refuse(`Failed to open file ${String(values.netns)}: No such file or directory`);
if (values['cgroup-version'] !== '2') refuse('Invalid cgroup version');
for (const control of values.cgroup ?? []) {
  if (!/^[a-z]+\.[a-z.]+=[^=]+$/.test(control)) refuse(`Invalid format for cgroups: ${control}`);
}
for (const limit of values['resource-limit'] ?? []) {
  if (!/^(?:fsize|no-file)=\d+$/.test(limit)) refuse(`Invalid resource argument: ${limit}`);
}
// The environment is cleaned for what is started, so it cannot be what the caller had.
if (Object.keys(process.env).some((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name))) refuse('an environment');

const program = realpathSync(values['exec-file']);
if (!statSync(program).isFile()) refuse(`${program} is not a file`);
const root = join(realpathSync(values['chroot-base-dir']), basename(program), values.id, 'root');
for (const folder of ['dev/net', 'run']) mkdirSync(join(root, folder), { recursive: true });
copyFileSync(program, join(root, basename(program)));
// What is started is in the group of the jailer, which is the machine's.
const group = join(realpathSync(values['chroot-base-dir']), '..', 'cgroups', values['parent-cgroup'], values.id);
mkdirSync(group, { recursive: true });
const started = ['--id', values.id, '--start-time-us', '1', '--start-time-cpu-us', '1', ...process.argv.slice(end + 1)];
// The rest is done by a process that nobody waits for. It ends unless it is told that its group knows it, and starts
// when this process has ended.
const rest = spawn(
  process.execPath,
  [
    join(import.meta.dirname, 'fake-jailer-rest.mjs'),
    group,
    join(root, basename(program)),
    ...started,
  ],
  { cwd: root, env: {}, detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
);
writeFileSync(join(group, 'cgroup.procs'), `${rest.pid}\n`);
rest.unref();
rest.stdin.end('go\n', () => process.exit());
