import type { ProviderManifest } from '@sallyport/core';

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
