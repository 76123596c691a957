import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { Machine } from '@sallyport/core';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { compileSeccompFilter, refusedCalls } from '../host/seccomp.ts';
import { createWorkbench, runInside } from './__fixtures__/machines.ts';
import type { Workbench } from './__fixtures__/machines.ts';
import { createProcessDriver } from './driver.ts';
import { chooseIsolation } from './isolation.ts';

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const hasBubblewrap = (await chooseIsolation('auto')).bubblewrap !== undefined;
const isFiltered = hasBubblewrap && compileSeccompFilter() !== undefined;
const reason = isFiltered ? '' : ' (needs bubblewrap)';

/** Makes each system call with harmless arguments. Prints its name and `ok` or the error number. */
function attempt(calls: Readonly<Record<string, readonly (number | string)[]>>): string {
  const lines = Object.entries(calls).map(
    ([name, words]) =>
      `{ my ($n, @a) = (${words.join(', ')}); print "${name} ", (syscall($n, @a) == -1 ? $! + 0 : "ok"), "\\n"; }`,
  );
  return `perl -e '${lines.join(' ')}'`;
}

const GET_KEYRING_ID = 0;
const SESSION_KEYRING = -3;
const ZEROS = '"\\0" x 128';
const USER_MODE_ONLY = 1;
const LOG_SIZE = 10;

/** Arguments with which each call would succeed, or fail with something else than ENOSYS, if it were let through. */
const harmless: Readonly<Record<string, readonly (number | string)[]>> = {
  add_key: ['"user"', '"sallyport-test"', '"x"', 1, SESSION_KEYRING],
  request_key: ['"user"', '"sallyport-test"', 0, SESSION_KEYRING],
  keyctl: [GET_KEYRING_ID, SESSION_KEYRING, 0],
  io_uring_setup: [1, ZEROS],
  io_uring_enter: [-1, 0, 0, 0, 0],
  io_uring_register: [-1, 0, 0, 0],
  bpf: [0, ZEROS, 128],
  perf_event_open: [ZEROS, 0, -1, -1, 0],
  syslog: [LOG_SIZE, 0, 0],
  userfaultfd: [USER_MODE_ONLY],
};

const socketCall = architecture === 'x64' ? 41 : 198;
const getpid = architecture === 'x64' ? 39 : 172;

/** A 64-bit program that calls i386's getpid through `int 0x80`, then exits with 0. */
const i386Call = Buffer.concat([
  Buffer.from('7f454c46020101000000000000000000', 'hex'),
  // Executable for x86-64; entry at 0x400078; one program header at 0x40.
  Buffer.from('02003e0001000000780040000000000040000000000000000000000000000000', 'hex'),
  Buffer.from('00000000400038000100000000000000', 'hex'),
  // PT_LOAD, readable and executable: the whole file at 0x400000.
  Buffer.from('010000000500000000000000000000000000400000000000', 'hex'),
  Buffer.from('000040000000000087000000000000008700000000000000', 'hex'),
  Buffer.from('0010000000000000', 'hex'),
  Buffer.from('b814000000cd80b83c00000031ff0f05', 'hex'),
]);

describe.runIf(isFiltered)(`system calls in a machine${reason}`, () => {
  let bench: Workbench;
  let machine: Machine;
  beforeAll(async () => {
    bench = await createWorkbench();
    const dataDirectory = join(bench.directory, 'data');
    const driver = await createProcessDriver({ dataDirectory, clock: systemClock, isolation: 'bubblewrap' });
    machine = await driver.create(bench.plan(), { signal: AbortSignal.timeout(60_000) });
    await machine.start(bench.startOptions());
  });
  afterAll(async () => {
    await machine.destroy();
    await bench.cleanUp();
  });

  it('cannot reach the keyrings and kernel interfaces that namespaces do not isolate', async () => {
    const calls = Object.entries(harmless).map(
      ([name, words]) => [name, [refusedCalls[name]?.[architecture] ?? 0, ...words]] as const,
    );
    expect(calls.map(([name]) => name).toSorted()).toEqual(Object.keys(refusedCalls).toSorted());
    const report = await runInside(machine, attempt({ getpid: [getpid], ...Object.fromEntries(calls) }));
    expect(report.split('\n')).toEqual(['0 getpid ok', ...Object.keys(harmless).map((name) => `${name} 38`)]);
  });

  it('cannot open VSOCK, ALG or Bluetooth sockets, but UNIX and INET sockets', async () => {
    const script = attempt({
      unix: [socketCall, 1, 1, 0],
      inet: [socketCall, 2, 1, 0],
      inet6: [socketCall, 10, 1, 0],
      vsock: [socketCall, 40, 1, 0],
      alg: [socketCall, 38, 5, 0],
      bluetooth: [socketCall, 31, 3, 0],
    });
    expect((await runInside(machine, script)).split('\n')).toEqual([
      '0 unix ok',
      'inet ok',
      'inet6 ok',
      'vsock 97',
      'alg 97',
      'bluetooth 97',
    ]);
  });

  it('cannot make system calls of another architecture', async () => {
    const octal = [...i386Call].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
    const script = `f=$(mktemp) && printf '${octal}' > "$f" && chmod 700 "$f" && "$f"; s=$?; rm -f "$f"; exit $s`;
    const outside = await execa('/bin/sh', ['-c', script], { reject: false, stdio: 'ignore' });
    // Killed by SIGSYS, unless the host itself does not have these calls.
    const expected = outside.exitCode === 0 ? 128 + 31 : outside.exitCode;
    expect(await runInside(machine, script)).toMatch(new RegExp(`^${expected}\\b`));
  });

  it('keeps the filter in what a nested sandbox starts', async () => {
    const call = attempt({ keyctl: [refusedCalls['keyctl']?.[architecture] ?? 0, GET_KEYRING_ID, SESSION_KEYRING, 0] });
    expect(await runInside(machine, `unshare --user --map-current-user --pid --fork ${call}`)).toBe('0 keyctl 38');
  });
});
