export interface WatchReport {
  /** Sockets, X11 cookies and browser profiles that the program found. */
  readonly found: readonly string[];
  /** Command lines of other processes that it sees. */
  readonly processes: readonly string[];
  /** Displays of X servers whose abstract socket it could connect to. */
  readonly displays: readonly string[];
}

/**
 * What a hostile login CLI would do to watch the user type: it looks for the screen's sockets and cookie, the browser's
 * profile, and the processes of the agent and the browser. Sent as text: see `runProbe`.
 */
export async function watchUser(): Promise<WatchReport> {
  const fs = process.getBuiltinModule('node:fs');
  const path = process.getBuiltinModule('node:path');
  const net = process.getBuiltinModule('node:net');
  const telling = /xauthority|^profile$|^Cookies$|vnc|agent\.sock/i;

  function list(directory: string): string[] {
    try {
      return fs.readdirSync(directory).map((name) => path.join(directory, name));
    } catch {
      return [];
    }
  }
  const found: string[] = [];
  function walk(directory: string, depth: number): void {
    for (const file of list(directory)) {
      // Programs tell nothing; an image may show its lower layer at /mnt.
      if (/^(\/proc\/\d+\/root)?(\/mnt)?\/(proc|sys|dev|usr|bin|sbin|lib\w*|etc|opt)$/.test(file)) continue;
      try {
        const kind = fs.lstatSync(file);
        if ((kind.isSocket() && !file.includes('egress')) || telling.test(path.basename(file))) found.push(file);
        if (kind.isDirectory() && depth > 0) walk(file, depth - 1);
      } catch {
        // Not to be read: that is the answer.
      }
    }
  }
  walk('/', 3);
  // The agent's directory holds the CLI's temporary files.
  const runtime = path.dirname(process.env['TMPDIR'] ?? '/tmp');
  walk(runtime, 4);
  const processes: string[] = [];
  for (const entry of list('/proc').filter((name) => /\/\d+$/.test(name))) {
    if (path.basename(entry) === String(process.pid)) continue;
    try {
      const line = fs.readFileSync(`${entry}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
      if (line !== '' && !line.includes('bwrap')) processes.push(line);
      walk(`${entry}/root${runtime}`, 4);
    } catch {
      // The process of another user.
    }
  }
  const opens = (name: string): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = net.connect({ path: name });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  const displays: string[] = [];
  for (let display = 0; display < 10; display++) {
    const name = `\0/tmp/.X11-unix/X${display}`;
    if (await opens(name)) displays.push(`:${display}`);
  }
  return { found, processes, displays };
}
