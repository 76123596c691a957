import { open, readFile } from 'node:fs/promises';

import type { CdpPipe } from './cdp-pipe.ts';

/**
 * Machines that wake from one memory have the state of each random number generator in it in common. The kernel's was
 * seeded again; BoringSSL keeps one in each process, and asks the kernel again only after thousands of draws. But it does so at
 * once in a process that was forked: it keeps a mark on a page that Linux clears for the child (madvise(2),
 * MADV_WIPEONFORK). Those pages are cleared here. Pages have processes that have drawn nothing yet: the empty one runs no script.
 */
export async function renewBrowser(cdp: CdpPipe, signal: AbortSignal): Promise<void> {
  const { processInfo = [] } = await cdp.send('SystemInfo.getProcessInfo', {}, { signal });
  for (const { id } of processInfo) {
    // No others: an emulated processor takes seconds to list what one process has mapped.
    if (!(await speaksTls(id))) continue;
    const isCleared = await clearForkMarks(id).catch(() => false);
    // Chromium starts another one, which takes longer still.
    if (!isCleared) process.kill(id, 'SIGKILL');
  }
}

/** Whether there was one. */
async function clearForkMarks(pid: number): Promise<boolean> {
  const places = findForkMarks(await readFile(`/proc/${pid}/smaps`, 'utf8'));
  if (places.length === 0) return false;
  await using memory = await open(`/proc/${pid}/mem`, 'r+');
  for (const { start, size } of places) await memory.write(Buffer.alloc(size), 0, size, start);
  return true;
}

/** Mappings that a child finds empty: flag `wf` in /proc/<pid>/smaps of proc(5). */
export function findForkMarks(smaps: string): readonly { readonly start: number; readonly size: number }[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((mapping) => {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(mapping) ?? [];
    if (from === undefined || to === undefined || !/^VmFlags:.* wf\b/m.test(mapping)) return [];
    const start = Number.parseInt(from, 16);
    return [{ start, size: Number.parseInt(to, 16) - start }];
  });
}

async function speaksTls(pid: number): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.includes('--utility-sub-type=network.mojom.NetworkService');
}
