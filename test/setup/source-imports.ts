import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

export interface ImportedModule {
  /** Absolute. */
  readonly file: string;
  readonly specifier: string;
  /** `import type` or `export type`. */
  readonly typeOnly: boolean;
}

/** What the sources of a package load, its tests and their fixtures not counted. */
export async function importsOf(packageName: string): Promise<readonly ImportedModule[]> {
  const source = join(root, 'packages', packageName, 'src');
  const names = await readdir(source, { recursive: true });
  const files = names.filter((name) => name.endsWith('.ts') && !/\.test\.ts$|\.d\.ts$|(^|\/)__fixtures__\//.test(name));
  return files.flatMap((name) => importsIn(join(source, name)));
}

export function importsIn(file: string): readonly ImportedModule[] {
  return importsOfText(file, readFileSync(file, 'utf8'));
}

/** In whatever way a module is loaded: import, export, dynamic import, `require`, `process.getBuiltinModule`. */
export function importsOfText(file: string, source: string): readonly ImportedModule[] {
  // Template literals are left out: scripts that a test kit writes to disk contain imports, too.
  const text = source.replaceAll(/`(?:[^`\\]|\\.)*`/gs, '``');
  const statements = text.matchAll(/(?:^|\n)\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/g);
  const dynamic = text.matchAll(/\b(?:import|require|getBuiltinModule)\(\s*['"]([^'"]+)['"]\s*\)/g);
  return [
    ...[...statements].map((match) => ({ file, specifier: match[2] ?? '', typeOnly: match[1] !== undefined })),
    ...[...dynamic].map((match) => ({ file, specifier: match[1] ?? '', typeOnly: false })),
  ];
}
