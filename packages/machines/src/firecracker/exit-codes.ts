import type { VmmExit } from './vmm-process.ts';

/** Firecracker's `FcExitCode`, in words an operator can act on. */
const reasons: Readonly<Record<number, string>> = {
  0: 'ended as asked',
  1: 'failed; see its log',
  2: 'failed in a way it did not expect; see its log',
  148: 'made a system call that its filter forbids: treat this as an attack until you know better',
  149: 'read memory that was gone (SIGBUS): a memory file was changed while in use, or huge pages ran out',
  150: 'crashed (SIGSEGV)',
  151: 'wrote a file beyond its limit (SIGXFSZ): fsize must cover its disk and its snapshots',
  152: 'was given a bad configuration',
  153: 'was given bad arguments',
  154: 'used up its processor time (SIGXCPU)',
  155: 'wrote to a pipe nobody reads (SIGPIPE)',
  156: 'was hung up on (SIGHUP)',
  157: 'met an instruction this processor does not have (SIGILL)',
};

export interface ExitMeaning {
  readonly sentence: string;
  /** The operator should look, whether or not the machine starts again. */
  readonly security: boolean;
}

export function explainExit({ code, signal }: VmmExit): ExitMeaning {
  const reason =
    code !== null
      ? (reasons[code] ?? `ended with code ${code}`)
      : signal !== null
        ? `was ended by ${signal}`
        : 'ended while nobody watched';
  return { sentence: `Firecracker ${reason}.`, security: code === 148 };
}
