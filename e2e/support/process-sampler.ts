/* oxlint-disable unicorn/require-post-message-target-origin -- that is for windows, and these are threads */
import { readdirSync, readFileSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { createCanarySearch } from './canary-search.ts';
import type { CanarySearch, Find } from './canary-search.ts';

/** One find, and in whose argv or environ. */
export interface ProcessFind extends Find {
  readonly pid: number;
  /** Its argv, as it was just before. A process that is being spawned has its parent's, and its parent's environ too. */
  readonly command: string;
}

export interface SamplerReport {
  readonly rounds: number;
  /** Between the beginnings of two rounds, in milliseconds. */
  readonly medianGapMs: number;
  readonly longestGapMs: number;
  /** Different processes seen. */
  readonly processes: number;
  /** Those that came while it sampled and could not be read, by name and file. */
  readonly unreadable: readonly string[];
  readonly finds: readonly ProcessFind[];
}

export interface ProcessSampler {
  add(name: string, value: string): void;
  stop(): Promise<SamplerReport>;
}

const INTERVAL_MS = 50;

/** Looks at argv and environ of every process of this host every 50 ms, in a separate thread: the test's is busy. */
export function startProcessSampler(canaries: Readonly<Record<string, string>>): ProcessSampler {
  const worker = new Worker(new URL(import.meta.url), { workerData: canaries });
  const report = new Promise<SamplerReport>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  // `stop` returns this promise, and rejects with its error.
  report.catch(() => undefined);
  return {
    add: (name, value) => worker.postMessage({ name, value }),
    async stop() {
      worker.postMessage('stop');
      const made = await report;
      await worker.terminate();
      return made;
    },
  };
}

function sample(search: CanarySearch): { round(): void; report(): SamplerReport } {
  const before = new Set(readdirSync('/proc'));
  const seen = new Set<number>();
  const unreadable = new Set<string>();
  const finds = new Map<string, ProcessFind>();
  const starts: number[] = [];
  return {
    round() {
      starts.push(performance.now());
      for (const name of readdirSync('/proc')) {
        const pid = Number(name);
        if (!Number.isInteger(pid)) continue;
        seen.add(pid);
        const cmdline = read(`/proc/${name}/cmdline`);
        const environ = read(`/proc/${name}/environ`);
        const command = cmdline?.toString().replaceAll('\0', ' ').trim() ?? '';
        for (const [file, content] of Object.entries({ cmdline, environ })) {
          if (content === undefined) {
            if (!before.has(name)) unreadable.add(`${file} of ${command} (${pid})`);
            continue;
          }
          for (const find of search.in(file, content)) {
            finds.set(`${pid} ${file} ${find.canary} ${find.encoding}`, { ...find, pid, command });
          }
        }
      }
    },
    report() {
      const gaps = starts
        .slice(1)
        .map((at, index) => at - (starts[index] ?? at))
        .toSorted((a, b) => a - b);
      return {
        rounds: starts.length,
        medianGapMs: Math.round(gaps[Math.floor(gaps.length / 2)] ?? 0),
        longestGapMs: Math.round(gaps.at(-1) ?? 0),
        processes: seen.size,
        unreadable: [...unreadable],
        finds: [...finds.values()],
      };
    },
  };
}

/** Absent: not ours to read. A process that is gone has nothing to show. */
function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EACCES' ? undefined : Buffer.alloc(0);
  }
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const search = createCanarySearch(workerData);
  const sampling = sample(search);
  const timer = setInterval(() => sampling.round(), INTERVAL_MS);
  port.on('message', (message: 'stop' | { readonly name: string; readonly value: string }) => {
    if (message !== 'stop') {
      search.add(message.name, message.value);
      return;
    }
    clearInterval(timer);
    sampling.round();
    port.postMessage(sampling.report());
  });
}
