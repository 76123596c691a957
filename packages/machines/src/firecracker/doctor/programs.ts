import { open } from 'node:fs/promises';

import { execa } from 'execa';

import { findProgram } from '../../host/programs.ts';
import type { Finding } from './verdict.ts';

/** Where the two programs are; `undefined`: they were not found. */
export interface FirecrackerPrograms {
  readonly firecracker: string | undefined;
  readonly jailer: string | undefined;
}

/** The version whose API this server speaks: fields of a later one are not sent, of an earlier one not left out. */
const VERSION = '1.16';
const RELEASES = 'https://github.com/firecracker-microvm/firecracker/releases';
const install = `Unpack firecracker and jailer of one v${VERSION} release into /usr/local/bin: ${RELEASES}`;

export async function findFirecrackerPrograms(): Promise<FirecrackerPrograms> {
  const [firecracker, jailer] = await Promise.all([findProgram('firecracker'), findProgram('jailer')]);
  return { firecracker, jailer };
}

export async function findFirecracker({ firecracker }: FirecrackerPrograms): Promise<Finding> {
  if (firecracker === undefined) {
    return { missing: 'not installed', fix: install };
  }
  const version = await versionOf(firecracker);
  if (version === undefined) {
    return { missing: `${firecracker} does not say its version`, fix: install };
  }
  if (!version.startsWith(`${VERSION}.`)) {
    return { missing: `version ${version}; this server speaks to ${VERSION}`, fix: install };
  }
  return (await isDynamic(firecracker))
    ? {
        missing: `${firecracker} was built for the libraries of a system, so it has no filter of system calls`,
        fix: install,
      }
    : { ok: `version ${version}` };
}

export async function findJailer({ firecracker, jailer }: FirecrackerPrograms): Promise<Finding> {
  if (jailer === undefined) {
    return { missing: 'not installed', fix: install };
  }
  const [own, other] = await Promise.all([versionOf(jailer), firecracker && versionOf(firecracker)]);
  return own !== undefined && own === other
    ? { ok: `version ${own}` }
    : { missing: `version ${own ?? 'unknown'}, which is not that of Firecracker`, fix: install };
}

/** `Firecracker v1.16.1` or `Jailer v1.16.1` is the first line. */
async function versionOf(program: string): Promise<string | undefined> {
  const { stdout } = await execa(program, ['--version'], {
    reject: false,
    timeout: 5000,
    env: {},
    extendEnv: false,
    stdin: 'ignore',
  });
  return /^\S+ v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
}

const PROGRAM_INTERPRETER = 3;
/** Program headers follow the file's own at once. */
const HEAD_BYTES = 4096;

/** elf(5): whether another program, the dynamic linker, is needed to start it. Release builds are static. */
export async function isDynamic(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  if (bytesRead < 64 || buffer.toString('latin1', 0, 4) !== '\u007fELF') {
    // A script that starts it says nothing of it.
    return false;
  }
  const [start, size, count] = [Number(buffer.readBigUInt64LE(32)), buffer.readUInt16LE(54), buffer.readUInt16LE(56)];
  const headers = Array.from({ length: count }, (_, index) => start + index * size);
  return headers.some((at) => at + 4 <= bytesRead && buffer.readUInt32LE(at) === PROGRAM_INTERPRETER);
}
