// What of the fake jailer goes on after its first process has ended: it starts Firecracker, then writes down its number.
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';

const [group, program, ...words] = process.argv.slice(2);
// The end of the input is the end of the first process.
if (readFileSync(0, 'utf8') !== 'go\n') process.exit(1);

/** A test stops it here until it removes the file. */
async function stopAt(place) {
  while (existsSync(join(group, '..', `stop-at-${place}`))) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** In the kernel no process is ever outside of its group, so none may run here before it is in the list. */
function list(...pids) {
  writeFileSync(join(group, 'cgroup.new'), pids.map((pid) => `${pid}\n`).join(''));
  renameSync(join(group, 'cgroup.new'), join(group, 'cgroup.procs'));
}

const child = spawn('/bin/sh', ['-c', 'read -r go && exec "$0" "$@" </dev/null', program, ...words], {
  env: {},
  detached: true,
  stdio: ['pipe', 'ignore', 'ignore'],
});
list(process.pid, child.pid);
await new Promise((resolve) => child.stdin.end('go\n', resolve));
await stopAt('no-file');
const file = openSync(`./${basename(program)}.pid`, 'wx');
await stopAt('empty-file');
writeSync(file, String(child.pid));
list(child.pid);
process.exit();
