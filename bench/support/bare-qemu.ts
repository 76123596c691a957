import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { MachineExit } from '@sallyport/core/driver';

import { waitForAgent } from '../../packages/machines/src/guest/wait-for-agent.ts';
import { PATIENCE_MS } from './cli-machines.ts';
import type { CliMachines } from './cli-machines.ts';

/** QEMU started by hand, again and again, with the command line, files and place that the driver gave one machine. */
export interface BareQemu {
  /** From the start of the process until the agent answers `/health` to its token, in milliseconds. It is killed then. */
  boot(): Promise<number>;
}

/** Boots one machine by the driver, writes down what its QEMU was started with, and ends it. */
export async function createBareQemu(machines: CliMachines): Promise<BareQemu> {
  const folder = join(machines.folder, 'bare');
  const run = join(folder, 'run');
  await mkdir(folder);
  const machine = await machines.create();
  const inMachine = machines.directory(machine);
  // A disk that nothing has booted from, as every new machine has.
  const unused = join(folder, 'unused.ext4');
  const disk = join(folder, 'disk.ext4');
  const agentDrive = join(folder, 'agent.ext4');
  await copyFile(join(inMachine, 'disk.ext4'), unused, constants.COPYFILE_FICLONE);
  const { token, ...rest } = machines.boot();
  await machine.start({ token, ...rest });
  const pid = await machines.vmm(machine);
  const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
  const program = await readlink(`/proc/${pid}/exe`);
  const numbers = new Set(command.flatMap((word) => [...word.matchAll(/\/proc\/self\/fd\/(\d+)/g)].map((at) => at[1])));
  const files: { readonly path: string; readonly flags: number }[] = [];
  for (let number = 3; numbers.has(String(number)); number += 1) {
    const path = await readlink(`/proc/${pid}/fd/${number}`);
    const isDisk = path === join(inMachine, 'disk.ext4');
    const own = isDisk ? disk : path === join(inMachine, 'agent.ext4') ? agentDrive : path;
    files.push({ path: own, flags: isDisk ? constants.O_RDWR : constants.O_RDONLY });
  }
  if (files.length < numbers.size)
    throw new Error(`QEMU was given more files than the ${files.length} that were found.`);
  await copyFile(join(inMachine, 'agent.ext4'), agentDrive, constants.COPYFILE_FICLONE);
  const place = machines.keepPlace(machine);
  await machine.destroy();

  return {
    boot: async () => {
      await copyFile(unused, disk, constants.COPYFILE_FICLONE);
      await rm(run, { recursive: true, force: true });
      await mkdir(run, { mode: 0o700 });
      const handles = await Promise.all(files.map(({ path, flags }) => open(path, flags)));
      const began = performance.now();
      const [file = '', ...words] = [...place.enter, program, ...command.slice(1)];
      const child = spawn(file, words, {
        cwd: run,
        stdio: ['ignore', 'ignore', 'inherit', ...handles.map(({ fd }) => fd)],
      });
      const exited = new Promise<MachineExit>((resolve, reject) => {
        child.once('error', reject);
        child.once('exit', (code, signal) => resolve({ code, signal, console: '' }));
      });
      const over = new AbortController();
      const ended = exited.then(({ code }) =>
        over.abort(new Error(`QEMU ended with code ${code} before its agent answered.`)),
      );
      try {
        const signal = AbortSignal.any([over.signal, AbortSignal.timeout(PATIENCE_MS)]);
        await waitForAgent({ place, process: { exited }, token, clock: systemClock, signal });
        return performance.now() - began;
      } finally {
        child.kill('SIGKILL');
        await ended;
        await Promise.all(handles.map((handle) => handle.close()));
      }
    },
  };
}
