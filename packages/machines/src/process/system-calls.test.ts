import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { Machine } from '@sallyport/core/driver';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { compileSeccompFilter, refusedCalls } from '../host/seccomp.ts';
import { createWorkbench, runInside } from './__fixtures__/machines.ts';
import type { Workbench } from './__fixtures__/machines.ts';
import { architecture, attempt, refusedAttempts, sessionKeyring, socketCall } from './__fixtures__/system-calls.ts';
import { createProcessDriver } from './driver.ts';
import { chooseIsolation } from './isolation.ts';

const hasBubblewrap = (await chooseIsolation('auto')).bubblewrap !== undefined;
const isFiltered = hasBubblewrap && compileSeccompFilter() !== undefined;
const reason = isFiltered ? '' : ' (needs bubblewrap)';

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
    const report = await runInside(machine, attempt({ getpid: [getpid], ...refusedAttempts }));
    expect(report.split('\n')).toEqual(['0 getpid ok', ...Object.keys(refusedCalls).map((name) => `${name} 38`)]);
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
    const call = attempt({ keyctl: sessionKeyring });
    expect(await runInside(machine, `unshare --user --map-current-user --pid --fork ${call}`)).toBe('0 keyctl 38');
  });
});
