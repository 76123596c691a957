import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/**
 * Kills the program of that name, and with that option, which this process starts while it works on a disk, if it can be caught
 * before the end: it lives for a few milliseconds.
 */
export async function killDiskTool(name: string, option: string, end: AbortSignal): Promise<void> {
  while (!end.aborted) {
    const child = childrenOf(process.pid).find((pid) => {
      const words = wordsOf(pid);
      return words.some((word) => word.split('/').at(-1) === name) && words.includes(option);
    });
    if (child !== undefined) return killWithin(child, name);
    await setImmediate();
  }
}

/** The child becomes the program, or starts it in a sandbox. Nothing else happens in this process meanwhile. */
function killWithin(child: number, name: string): void {
  while (wordsOf(child).length > 0) {
    const pid = [child, ...descendantsOf(child)].find((each) => read(each, 'comm').trim() === name);
    if (pid === undefined) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has come to its end since it was seen.
    }
    return;
  }
}

function descendantsOf(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** proc(5): those that its first thread has started, as Node does. */
function childrenOf(pid: number): readonly number[] {
  return read(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** None once it has ended. */
function wordsOf(pid: number): readonly string[] {
  return read(pid, 'cmdline').split('\0').filter(Boolean);
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
