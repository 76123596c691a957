import type { ProviderManifest } from '@sallyport/core/provider';

type HiddenInWork = ProviderManifest['cli']['hiddenInWork'];

/** Settings that a CLI loads from its working directory, and would run a program of. */
export interface WorkSettings {
  /** Whose CLI loads them. */
  readonly of: string;
  /** As in its manifest's `cli.hiddenInWork`. */
  readonly hidden: HiddenInWork;
  /** Below the working directory. */
  readonly files: readonly string[];
}

/** Where the bundled providers' CLIs load settings from, and a CLI whose settings are one file. */
export const workSettings: readonly WorkSettings[] = [
  {
    of: 'Claude Code',
    hidden: [{ name: '.claude', kind: 'directory' }],
    files: ['.claude/settings.json', '.claude/settings.local.json'],
  },
  {
    of: 'Gemini CLI',
    hidden: [{ name: '.gemini', kind: 'directory' }],
    files: ['.gemini/settings.json', '.gemini/.env'],
  },
  { of: 'a CLI with a file of servers', hidden: [{ name: '.mcp.json', kind: 'file' }], files: ['.mcp.json'] },
];

/**
 * Codex loads settings from its working directory only where those in its home trust that directory, so none of its
 * files is hidden.
 */
export const trustedSettings = {
  files: ['.codex/config.toml', 'repo/.codex/config.toml'],
  /** In its home. */
  trust: '.codex/config.toml',
} as const;

/** Settings, and homes of another CLI in which to have them trusted. */
export interface Trusting {
  readonly files: readonly string[];
  readonly trust: string;
  readonly homes: readonly string[];
}

/** Writes the files, as a program would that one CLI runs and that wants to be run by another. Sent as text: see `runProbe`. */
export function plantSettings(files: readonly string[]): void {
  const fs = process.getBuiltinModule('node:fs');
  const path = process.getBuiltinModule('node:path');
  for (const file of files) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'planted');
  }
}

/** Returns the planted files that a CLI would load, by either name of its working directory. Sent as text: see `runProbe`. */
export function loadSettings(files: readonly string[]): readonly string[] {
  const fs = process.getBuiltinModule('node:fs');
  const load = (file: string): string => {
    try {
      return fs.readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  const everywhere = files.flatMap((file) => [file, `${process.env['HOME']}/work/${file}`]);
  return everywhere
    .filter((file) => load(file).includes('planted'))
    .map((file) => file.replace(/^.*\/work\//, '~/work/'));
}

/**
 * Leaves settings in the working directory, and tries to have them trusted in each of the homes and in every home it
 * finds. Returns where it could. Sent as text: see `runProbe`.
 */
export function plantTrusted({ files, trust, homes }: Trusting): readonly string[] {
  const fs = process.getBuiltinModule('node:fs');
  const path = process.getBuiltinModule('node:path');
  const write = (file: string): boolean => {
    try {
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, 'planted trusted');
      return true;
    } catch {
      return false;
    }
  };
  const isOther = (home: string): boolean => {
    try {
      return fs.realpathSync(home) !== fs.realpathSync(own);
    } catch {
      return false;
    }
  };
  files.forEach(write);
  const own = process.env['HOME'] ?? '';
  const list = (directory: string): readonly string[] => {
    try {
      return fs.readdirSync(directory).map((name) => path.join(directory, name));
    } catch {
      return [];
    }
  };
  const beside = [path.dirname(own), '/home', '/home/providers', '/proc/1/root/home/providers'].flatMap(list);
  return [...homes, ...beside].filter((home) => isOther(home) && write(path.join(home, trust)));
}

/** Trusts the working directory, as a user may ask a CLI to. Sent as text: see `runProbe`. */
export function trustWork(trust: string): void {
  const fs = process.getBuiltinModule('node:fs');
  const path = process.getBuiltinModule('node:path');
  const file = path.join(process.env['HOME'] ?? '', trust);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, 'trusted');
}

/** Returns the planted files that a CLI would load that has to trust them first. Sent as text: see `runProbe`. */
export function loadTrusted({ files, trust }: Omit<Trusting, 'homes'>): readonly string[] {
  const fs = process.getBuiltinModule('node:fs');
  const load = (file: string): string => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');
  const isTrusted = load(`${process.env['HOME']}/${trust}`).includes('trusted');
  return isTrusted ? files.filter((file) => load(file).includes('planted')) : [];
}

/** Two programs that run at the same time, and the files by which they take turns. */
export interface Replacing {
  /** What the victim's manifest hides. */
  readonly names: readonly string[];
  readonly files: readonly string[];
  readonly ready: string;
  readonly done: string;
}

/** Once the other program runs, renames what is hidden from it and puts settings in its place. Returns what was refused. */
export async function replaceHidden({ names, files, ready, done }: Replacing): Promise<readonly string[]> {
  const fs = process.getBuiltinModule('node:fs');
  const path = process.getBuiltinModule('node:path');
  const { setTimeout: wait } = process.getBuiltinModule('node:timers/promises');
  fs.writeFileSync(`${ready}-attacker`, '');
  while (!fs.existsSync(ready)) await wait(20);
  const refused: string[] = [];
  const attempt = (what: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      refused.push(`${what}: ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}`);
    }
  };
  for (const name of names) {
    attempt(`rename ${name}`, () => fs.renameSync(name, `${name}-away-${ready}`));
    attempt(`remove ${name}`, () => (fs.statSync(name).isDirectory() ? fs.rmdirSync(name) : fs.unlinkSync(name)));
  }
  for (const file of files) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'planted');
  }
  fs.writeFileSync(done, '');
  return refused;
}

/** Lets the other program do its work, then returns those of its files that a CLI would load. */
export async function loadReplaced({ files, ready, done }: Replacing): Promise<readonly string[]> {
  const fs = process.getBuiltinModule('node:fs');
  const { setTimeout: wait } = process.getBuiltinModule('node:timers/promises');
  fs.writeFileSync(ready, '');
  while (!fs.existsSync(done)) await wait(20);
  return files.filter((file) => fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes('planted'));
}
