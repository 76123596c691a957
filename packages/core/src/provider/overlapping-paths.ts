import type { CredentialFileItem, CredentialItem } from './credential-item.ts';

/** The parts of a manifest that put files into a home. */
export interface ManifestFiles {
  readonly cli: { readonly settings: Settings };
  readonly logins: readonly { readonly settings?: Settings | undefined }[];
  readonly credentials: readonly CredentialItem[];
}

type SettingsFile = { readonly path: string; readonly write?: 'replace' | 'merge-json' | 'fill-json' | undefined };
type Settings = readonly SettingsFile[];

export interface PathProblem {
  readonly path: (string | number)[];
  readonly message: string;
}

/**
 * Where a manifest writes one file over another. A credential is put on the disk first and settings later, so settings in
 * the file of a credential would erase the login at the first prompt.
 */
export function overlappingPaths({ cli, logins, credentials }: ManifestFiles): readonly PathProblem[] {
  const files = credentials.flatMap((item, index) => (item.as === 'file' ? [{ item, index }] : []));
  const items = files.flatMap(({ item, index }, position) => {
    const other = files.slice(0, position).find((before) => shareFile(before.item, item));
    const message = `has the path of the item "${other?.item.id}": describe one file by one item, with write: 'merge-json'`;
    return other ? [{ path: ['credentials', index, 'paths'], message }] : [];
  });
  const inSettings = (settings: Settings, at: (string | number)[], exempt: (item: CredentialFileItem) => boolean) =>
    settings.flatMap((own, index) => {
      const hit = files.find(
        ({ item }) =>
          !exempt(item) && pathsOf(item).some((other) => overlap(own.path, other) && !merges(own, item, other)),
      );
      const message = `would overwrite the credential "${hit?.item.id}": leave these settings out, and set write: 'merge-json' there, so that the CLI keeps its own`;
      return hit ? [{ path: [...at, index, 'path'], message }] : [];
    });
  return [
    ...items,
    ...inSettings(cli.settings, ['cli', 'settings'], () => false),
    ...logins.flatMap(({ settings = [] }, index) => inSettings(settings, ['logins', index, 'settings'], () => false)),
    ...credentials.flatMap((item, index) => {
      if (item.as !== 'environment') return [];
      const { settings = [] } = item;
      // A key may take the place of the login's file: only one of the two is in use.
      const replaces = (file: CredentialFileItem): boolean =>
        file.role === 'secret' && pathsOf(file).every((path) => settings.every((own) => !nest(own.path, path)));
      return inSettings(settings, ['credentials', index, 'settings'], replaces);
    }),
  ];
}

/** Both add their keys to a file of settings, and neither takes the other's away. */
function merges({ path, write = 'replace' }: SettingsFile, item: CredentialFileItem, other: string): boolean {
  return path === other && write !== 'replace' && item.role === 'settings' && item.write === 'merge-json';
}

function shareFile(one: CredentialFileItem, other: CredentialFileItem): boolean {
  return (['browser', 'cli'] as const).some((place) => overlap(one.paths[place], other.paths[place]));
}

function pathsOf({ paths }: CredentialFileItem): readonly string[] {
  return [paths.browser, paths.cli];
}

function overlap(one: string, other: string): boolean {
  return one === other || nest(one, other);
}

/** Whether one is a file, and the other lies in a directory of that name. */
function nest(one: string, other: string): boolean {
  return one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}
