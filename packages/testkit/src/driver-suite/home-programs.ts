/**
 * What the suite's CLIs do. Each is sent as text, so it uses nothing from outside of it: see `runProbe`.
 */

export function useWork(provider: string): unknown {
  const fs = process.getBuiltinModule('node:fs');
  const home = process.env['HOME'] ?? '';
  const names = fs.readdirSync('.');
  const before = names.filter((name) => name.endsWith('.txt')).map((name) => fs.readFileSync(name, 'utf8'));
  // For nobody else, as many programs make their files: that must not keep the user's other CLIs from them.
  for (const name of names.filter((other) => other.endsWith('.txt'))) fs.writeFileSync(name, `changed by ${provider}`);
  fs.writeFileSync(`${provider}.txt`, `from ${provider}`, { mode: 0o600 });
  return {
    login: fs.readFileSync(`${home}/.probe/auth.json`, 'utf8'),
    before,
    beside: fs.readdirSync(home).filter((name) => name !== '.probe' && name !== 'work'),
    sameDirectory: fs.existsSync(`${home}/work/${provider}.txt`),
  };
}

export function readWork(provider: string): unknown {
  return process.getBuiltinModule('node:fs').readFileSync(`${provider}.txt`, 'utf8');
}

export function rotate(content: string): void {
  const fs = process.getBuiltinModule('node:fs');
  const file = `${process.env['HOME']}/.probe/auth.json`;
  fs.writeFileSync(`${file}.new`, content, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
}

/** Holds its login open, has links to it in the shared directory, and waits for the end. */
export async function stayOpen(stop: string): Promise<string> {
  const fs = process.getBuiltinModule('node:fs');
  const { setTimeout: wait } = process.getBuiltinModule('node:timers/promises');
  const home = process.env['HOME'] ?? '';
  const file = `${home}/.probe/auth.json`;
  fs.openSync(file, 'r');
  fs.writeFileSync(`${home}/open`, 'canary-of-an-open-file');
  fs.openSync(`${home}/open`, 'r');
  fs.symlinkSync(file, 'link');
  fs.symlinkSync(home, 'to-home');
  fs.writeFileSync('home.txt', home);
  while (!fs.existsSync(stop)) await wait(20);
  return `login ${fs.readFileSync(file, 'utf8')}`;
}

export function readHome(): string | undefined {
  const fs = process.getBuiltinModule('node:fs');
  return fs.existsSync('home.txt') ? fs.readFileSync('home.txt', 'utf8') : undefined;
}

export function plantLinks(targets: readonly string[]): void {
  const fs = process.getBuiltinModule('node:fs');
  targets.forEach((target, index) => fs.symlinkSync(target, `planted-${index}`));
  targets.forEach((target, index) => fs.symlinkSync(`${target}/.probe/auth.json`, `planted-file-${index}`));
}

export function writeStop(name: string): void {
  process.getBuiltinModule('node:fs').writeFileSync(name, '');
}

/** Takes a while to save its work when it is asked to end, and a second request makes it give up. */
export async function saveAtTheEnd(name: string): Promise<void> {
  const fs = process.getBuiltinModule('node:fs');
  const { setTimeout: wait } = process.getBuiltinModule('node:timers/promises');
  process.once('SIGTERM', () => {
    process.once('SIGTERM', () => process.exit(1));
    setTimeout(() => {
      fs.writeFileSync(name, 'saved');
      process.exit(0);
    }, 300);
  });
  fs.writeFileSync('ready', '');
  await wait(30_000);
}

/**
 * Leaves a program behind that has its own session, and holds a new named pipe open as long as it runs. Returns whether
 * {@link isHeldOpen} sees that it runs.
 */
export async function leaveBehind(name: string): Promise<boolean> {
  const fs = process.getBuiltinModule('node:fs');
  const { spawn, spawnSync } = process.getBuiltinModule('node:child_process');
  spawnSync('mkfifo', [name]);
  // Read and write, since opening a pipe for one of them waits for the other.
  const held = fs.openSync(name, 'r+');
  spawn('sleep', ['1000'], { detached: true, stdio: ['ignore', held, 'ignore'] }).unref();
  fs.closeSync(held);
  const pipe = fs.openSync(name, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    return fs.readSync(pipe, Buffer.alloc(1)) > 0;
  } catch {
    return true;
  }
}

/** Whether any process has this named pipe open for writing: without one, reading from it ends at once (pipe(7)). */
export function isHeldOpen(name: string): boolean {
  const fs = process.getBuiltinModule('node:fs');
  const pipe = fs.openSync(name, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    return fs.readSync(pipe, Buffer.alloc(1)) > 0;
  } catch {
    // EAGAIN: there could still be something to read.
    return true;
  }
}

export function sizeOf(name: string): number {
  const fs = process.getBuiltinModule('node:fs');
  return fs.existsSync(name) ? fs.statSync(name).size : -1;
}

export function readTimes(): { readonly uptime: number; readonly now: number } {
  return { uptime: process.getBuiltinModule('node:os').uptime(), now: Date.now() };
}
