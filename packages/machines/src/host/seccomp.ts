/** Architectures that the filter is written for, as Node names them. */
type Architecture = 'x64' | 'arm64';

/** `AUDIT_ARCH_*` of `<linux/audit.h>`: what the kernel says about the system call's calling convention. */
const AUDIT_ARCHITECTURES: Readonly<Record<Architecture, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

type Numbers = Readonly<Record<Architecture, number>>;

/** System calls that answer ENOSYS, as on a kernel without them: programs have a fallback for that. */
export const refusedCalls: Readonly<Record<string, Numbers>> = {
  // Kernel keyrings belong to the server's login session and are inherited by every process it starts.
  add_key: { x64: 248, arm64: 217 },
  request_key: { x64: 249, arm64: 218 },
  keyctl: { x64: 250, arm64: 219 },
  // It performs other system calls, sockets included, past this filter.
  io_uring_setup: { x64: 425, arm64: 425 },
  io_uring_enter: { x64: 426, arm64: 426 },
  io_uring_register: { x64: 427, arm64: 427 },
  // They observe or steer the kernel that all machines share.
  bpf: { x64: 321, arm64: 280 },
  perf_event_open: { x64: 298, arm64: 241 },
  syslog: { x64: 103, arm64: 116 },
  userfaultfd: { x64: 323, arm64: 282 },
};

const socketCalls: readonly Numbers[] = [
  { x64: 41, arm64: 198 },
  { x64: 53, arm64: 199 },
];

/**
 * Address families that a network namespace isolates and programs need: UNIX, INET, INET6 and NETLINK. All others
 * answer EAFNOSUPPORT. VSOCK reaches the hypervisor past every namespace; ALG, PACKET and the rest expose rarely
 * used kernel code.
 */
export const allowedFamilies: readonly number[] = [1, 2, 10, 16];

const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** Offsets into `struct seccomp_data`. Only the low half of an argument counts: the kernel reads a family as an int. */
const CALL = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;

const KILL_PROCESS = 0x8000_0000;
const ALLOW = 0x7fff_0000;
const refuse = (errno: number): number => 0x0005_0000 | errno;

/** x32 system calls have this bit set. They are refused; Debian's and Ubuntu's kernels refuse them as well. */
const X32_BIT = 0x4000_0000;

const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;

/**
 * Compiles the seccomp filter for the programs of a machine: an array of `struct sock_filter`, as bubblewrap's
 * `--seccomp` reads it. It denies what namespaces do not isolate and allows everything else, so that the sandboxes of
 * Chromium and Codex start inside it. A program of another architecture, such as i386, is killed by SIGSYS.
 *
 * @returns `undefined` on an architecture without a filter.
 */
export function compileSeccompFilter(architecture: string = process.arch): Buffer | undefined {
  if (architecture !== 'x64' && architecture !== 'arm64') return undefined;
  const returnIf = (test: number, value: number, result: number): readonly Instruction[] => [
    [test, 0, 1, value],
    [RETURN, 0, 0, result],
  ];
  const families: readonly Instruction[] = [
    [LOAD, 0, 0, FIRST_ARGUMENT],
    ...allowedFamilies.flatMap((family) => returnIf(JUMP_IF_EQUAL, family, ALLOW)),
    [RETURN, 0, 0, refuse(EAFNOSUPPORT)],
  ];
  return encode([
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_IF_EQUAL, 1, 0, AUDIT_ARCHITECTURES[architecture]],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, CALL],
    ...returnIf(JUMP_IF_AT_LEAST, X32_BIT, refuse(ENOSYS)),
    ...Object.values(refusedCalls).flatMap((call) => returnIf(JUMP_IF_EQUAL, call[architecture], refuse(ENOSYS))),
    ...socketCalls.map((call, index): Instruction => {
      // Each jump goes past the remaining comparisons and the return that follows them.
      const toFamilies = socketCalls.length - index;
      return [JUMP_IF_EQUAL, toFamilies, 0, call[architecture]];
    }),
    [RETURN, 0, 0, ALLOW],
    ...families,
  ]);
}

/** Code, instructions to skip if true, instructions to skip if false, operand. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

/** Encodes `struct sock_filter`: u16, u8, u8, u32. Both architectures are little-endian. */
function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, ifTrue, ifFalse, operand]] of program.entries()) {
    const at = index * 8;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(operand >>> 0, at + 4);
  }
  return bytes;
}
