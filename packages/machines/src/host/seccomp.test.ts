import { describe, expect, it } from 'vitest';

import { allowedFamilies, compileSeccompFilter, refusedCalls } from './seccomp.ts';

interface Call {
  readonly nr: number;
  readonly arch: number;
  readonly firstArgument?: number;
}

const X64 = 0xc000003e;
const ARM64 = 0xc00000b7;
const I386 = 0x40000003;
const ARM = 0x40000028;

/** Runs the filter as the kernel does. Throws on an instruction or a jump that the kernel would not load. */
function run(filter: Buffer, { nr, arch, firstArgument = 0 }: Call): string {
  const data = new Map([
    [0, nr >>> 0],
    [4, arch],
    [16, firstArgument >>> 0],
  ]);
  let accumulator = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const code = filter.readUInt16LE(at);
    const operand = filter.readUInt32LE(at + 4);
    const jump = (isTrue: boolean): void => {
      at += 8 * filter.readUInt8(at + (isTrue ? 2 : 3));
    };
    if (code === 0x20) accumulator = data.get(operand) ?? NaN;
    else if (code === 0x15) jump(accumulator === operand);
    else if (code === 0x35) jump(accumulator >= operand);
    else if (code === 0x06) return outcomes[operand >>> 16] + (operand & 0xffff ? ` ${operand & 0xffff}` : '');
    else throw new Error(`Unknown instruction ${code}`);
  }
  throw new Error('The filter ended without a return');
}

const outcomes: Readonly<Record<number, string>> = { 0x8000: 'killed', 0x0005: 'errno', 0x7fff: 'allowed' };

describe.each([
  { architecture: 'x64', arch: X64, foreign: [I386, ARM64], socket: 41, socketpair: 53, read: 0, clone: 56 },
  { architecture: 'arm64', arch: ARM64, foreign: [ARM, X64], socket: 198, socketpair: 199, read: 63, clone: 220 },
] as const)(
  'the seccomp filter on $architecture',
  ({ architecture, arch, foreign, socket, socketpair, read, clone }) => {
    const filter = compileSeccompFilter(architecture) ?? Buffer.alloc(0);

    it.each(Object.keys(refusedCalls))('refuses %s as if the kernel did not have it', (name) => {
      expect(run(filter, { nr: refusedCalls[name]?.[architecture] ?? -1, arch })).toBe('errno 38');
    });

    it('allows what programs and their own sandboxes need', () => {
      for (const nr of [read, clone]) expect(run(filter, { nr, arch })).toBe('allowed');
    });

    it('allows sockets of the families that a network namespace isolates, and no others', () => {
      const allowed = Array.from({ length: 64 }, (_, family) => family).filter(
        (firstArgument) => run(filter, { nr: socket, arch, firstArgument }) === 'allowed',
      );
      expect(allowed).toEqual(allowedFamilies);
      for (const nr of [socket, socketpair]) {
        expect(run(filter, { nr, arch, firstArgument: 40 })).toBe('errno 97');
        expect(run(filter, { nr, arch, firstArgument: 1 })).toBe('allowed');
        expect(run(filter, { nr, arch, firstArgument: -1 })).toBe('errno 97');
      }
    });

    it('kills a program of a foreign architecture', () => {
      for (const other of foreign) expect(run(filter, { nr: read, arch: other })).toBe('killed');
    });

    it('refuses x32 and numbers that no table has', () => {
      expect(run(filter, { nr: 0x4000_0000 + read, arch })).toBe('errno 38');
      expect(run(filter, { nr: -1, arch })).toBe('errno 38');
    });
  },
);

it('has no filter for an architecture whose numbers it does not know', () => {
  expect(compileSeccompFilter('riscv64')).toBeUndefined();
});
