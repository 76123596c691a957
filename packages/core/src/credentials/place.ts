import { SallyportError } from '../base/errors.ts';
import { homePathSchema } from '../provider/bounded.ts';
import { valuePlace } from '../provider/credential-item.ts';
import type { CredentialEnvironmentItem, CredentialFileItem, CredentialItem } from '../provider/credential-item.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import type { CredentialFiles, PlacedFile } from '../contracts/credential-files.ts';
import { mergeJson, mergeSecretJson } from './json-merge.ts';

type SettingsFile = ProviderManifest['cli']['settings'][number];

/** Where a credential lies: on the machine the user logs in on, or on the one that runs prompts. */
export type CredentialPlace = 'browser' | 'cli';

/** Home paths of a provider's credential files, for harvesting and for removing. */
export function credentialPaths(items: readonly CredentialItem[], place: CredentialPlace): readonly string[] {
  return items.flatMap((item) => (item.as === 'file' ? [item.paths[place]] : []));
}

/**
 * The files to put on a machine's disk. `existing` is what lies there now; `merge-json` items are merged into it.
 */
export function placeCredential(
  items: readonly CredentialItem[],
  files: CredentialFiles,
  place: CredentialPlace,
  existing: readonly PlacedFile[] = [],
): readonly PlacedFile[] {
  return items.flatMap((item) => {
    const text = files[item.id];
    if (item.as !== 'file' || text === undefined) return [];
    const path = checkHomePath(item.paths[place]);
    const before = existing.find((file) => file.path === path)?.content;
    return [{ path, content: merge(item, before, text), mode: item.mode }];
  });
}

function merge({ write, role, require }: CredentialFileItem, before: string | undefined, text: string): string {
  if (write === 'replace') return text;
  return role === 'secret' ? mergeSecretJson(before, text, require) : mergeJson(before, text);
}

/** The way back: what lies on a disk, as a credential. Files of other paths are left out. */
export function collectCredential(
  items: readonly CredentialItem[],
  placed: readonly PlacedFile[],
  place: CredentialPlace,
): CredentialFiles {
  const found = items.flatMap((item): [string, string][] => {
    const file = item.as === 'file' ? placed.find((candidate) => candidate.path === item.paths[place]) : undefined;
    return file ? [[item.id, file.content]] : [];
  });
  return Object.fromEntries(found);
}

/** Variables a prompt run needs, for credentials other than files. */
export function credentialEnvironment(
  items: readonly CredentialItem[],
  files: CredentialFiles,
): Readonly<Record<string, string>> {
  const values = items.flatMap((item): [string, string][] => {
    const text = files[item.id];
    return item.as === 'environment' && text !== undefined && !liesInSettings(item) ? [[item.name, text]] : [];
  });
  return Object.fromEntries(values);
}

/** The CLI's settings files, with those that the credential in use brings in place of the ones with the same path. */
export function settingsFor(
  settings: readonly SettingsFile[],
  items: readonly CredentialItem[],
  files: CredentialFiles,
): SettingsFile[] {
  const own = items.flatMap((item) => {
    const value = files[item.id];
    if (item.as !== 'environment' || value === undefined) return [];
    // As it stands between the quotes of a JSON string, and of a basic string of TOML.
    const written = JSON.stringify(value).slice(1, -1);
    return (item.settings ?? []).map(({ content, ...file }) => ({
      ...file,
      // By a function: a dollar in a replacement text stands for something else.
      content: content.replaceAll(valuePlace, () => written),
    }));
  });
  return [...settings.filter(({ path }) => !own.some((other) => other.path === path)), ...own];
}

/** Where the value goes into a file, it does not go into the environment, which every program of the CLI inherits. */
function liesInSettings({ settings = [] }: CredentialEnvironmentItem): boolean {
  return settings.some(({ content }) => content.includes(valuePlace));
}

/** Secret files that this credential has not: on the disk they can only be of an earlier one. */
export function leftoverPaths(
  items: readonly CredentialItem[],
  files: CredentialFiles,
  place: CredentialPlace,
): readonly string[] {
  return items.flatMap((item) =>
    item.as === 'file' && item.role === 'secret' && files[item.id] === undefined ? [item.paths[place]] : [],
  );
}

/** `~/x` below an absolute home. Checked again although the manifest was: the path may have come over a wire. */
export function expandHome(path: string, home: string): string {
  if (!home.startsWith('/') || home.split('/').includes('..')) {
    throw new SallyportError('CONFIG_INVALID', `"${home}" is not the absolute path of a home directory.`);
  }
  return `${home.replace(/\/+$/, '')}/${checkHomePath(path).slice(2)}`;
}

function checkHomePath(path: string): string {
  const checked = homePathSchema.safeParse(path);
  if (checked.success) return checked.data;
  throw new SallyportError(
    'PROVIDER_MANIFEST_INVALID',
    `The credential path ${JSON.stringify(path)} ${checked.error.issues[0]?.message ?? 'is not valid'}.`,
  );
}
