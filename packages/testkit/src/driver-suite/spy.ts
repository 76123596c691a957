export interface SpyInput {
  /** Texts to look for, by a name for each. */
  readonly canaries: Readonly<Record<string, string>>;
  /** Paths to try besides everything that can be walked to. */
  readonly paths: readonly string[];
  /** A program with this in its command line is to be attacked. */
  readonly victimMark: string;
}

export interface SpyReport {
  /** Where each text was found. */
  readonly found: Readonly<Record<string, readonly string[]>>;
  /** Command lines seen in `/proc`. */
  readonly processes: readonly string[];
  /** Numbers of processes that could be stopped with ptrace, its own child among them where perl is there. */
  readonly traced: readonly number[];
  readonly child: number;
}

/**
 * What a hostile program would do that runs as a CLI: it reads every file it can reach, by path, through links, through the
 * root, the open files, the environment and the memory of every process, and traces what it can. Sent as text: see
 * `runProbe`.
 */
export async function spy(input: SpyInput): Promise<SpyReport> {
  const fs = process.getBuiltinModule('node:fs');
  const path = process.getBuiltinModule('node:path');
  const { spawn, spawnSync } = process.getBuiltinModule('node:child_process');
  const found: Record<string, string[]> = {};
  const names = Object.keys(input.canaries);
  for (const name of names) found[name] = [];

  function look(file: string): void {
    try {
      // Opening a FIFO would wait, and a device may never end.
      const facts = fs.statSync(file);
      if (!facts.isFile() || facts.size > 1_000_000) return;
      note(file, fs.readFileSync(file, 'latin1'));
    } catch {
      // Not to be read: that is the answer.
    }
  }
  function note(file: string, text: string): void {
    for (const name of names) if (text.includes(input.canaries[name] ?? '')) found[name]?.push(file);
  }
  function list(folder: string): string[] {
    try {
      return fs.readdirSync(folder).map((name) => path.join(folder, name));
    } catch {
      return [];
    }
  }
  function walk(folder: string, depth: number): void {
    for (const file of list(folder)) {
      // The host's programs hold nobody's secrets, and take long to read.
      if (/^(\/proc\/\d+\/(root|cwd))?\/(proc|sys|dev|usr|bin|sbin|lib\w*|opt|etc)$/.test(file)) continue;
      let kind;
      try {
        kind = fs.lstatSync(file);
      } catch {
        continue;
      }
      if (kind.isDirectory() && depth > 0) walk(file, depth - 1);
      else look(file);
    }
  }

  // It has to be there until the last process was tried, which takes an emulated machine a minute.
  const child = spawn('/bin/sleep', ['3600'], { stdio: 'ignore' });
  for (const file of input.paths) {
    look(file);
    walk(file, 6);
  }
  walk('/', 8);
  const processes: string[] = [];
  const traced: number[] = [];
  for (const entry of list('/proc').filter((name) => /\/\d+$/.test(name))) {
    const pid = Number(path.basename(entry));
    try {
      processes.push(fs.readFileSync(`${entry}/cmdline`, 'latin1').replaceAll('\0', ' ').trim());
      note(`${entry}/environ`, fs.readFileSync(`${entry}/environ`, 'latin1'));
    } catch {
      // A process of another user.
    }
    for (const descriptor of list(`${entry}/fd`)) look(descriptor);
    if (pid !== process.pid) {
      walk(`${entry}/root`, 8);
      walk(`${entry}/cwd`, 6);
      for (const file of input.paths) walk(`${entry}/root${file}`, 6);
    }
    // PTRACE_SEIZE is 0x4206, and 101 is ptrace(2) on x64, 117 on arm64: Node cannot call it, perl can.
    const call = process.arch === 'x64' ? 101 : 117;
    if (pid === process.pid) continue;
    const attempt = spawnSync('perl', ['-e', `exit(syscall(${call}, 0x4206, ${pid}, 0, 0) == 0 ? 0 : 1)`]);
    if (attempt.status === 0) traced.push(pid);
    try {
      if (processes.at(-1)?.includes(input.victimMark) === true) process.kill(pid, 'SIGKILL');
    } catch {
      // Not ours to signal.
    }
  }
  child.kill('SIGKILL');
  return { found, processes, traced, child: child.pid ?? 0 };
}
