import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { createRegistry, SallyportError, type Plugin } from '@sallyport/core';
import { type Provider } from '@sallyport/core/provider';

import { configSchema, type CheckedConfig } from './config.ts';

/** A configuration with everything it names loaded. */
export interface LoadedConfig extends Omit<CheckedConfig, 'providers' | 'enabledProviders' | 'plugins'> {
  /** Those that are offered, in the order of the configuration. */
  readonly providers: readonly Provider[];
  readonly plugins: readonly Plugin[];
}

/** The only file that may be missing: a newcomer has not written it yet. */
const DEFAULT_FILE = 'sallyport.config.ts';

/**
 * Loads and checks a configuration file. Every error says which file, where in it, and what to write instead. Without
 * `sallyport.config.ts` in the current directory, every setting has its default and there are no providers.
 */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const file = resolve(path);
  if (!(await exists(file))) {
    if (path === DEFAULT_FILE) return resolveConfig({ providers: [] }, file);
    throw new SallyportError('CONFIG_INVALID', `There is no configuration file ${file}.`, { hint: example });
  }
  const { default: exported } = await importModule(pathToFileURL(file).href, `The configuration ${file}`);
  return resolveConfig(exported, file);
}

/** The same for a configuration that is already here; names in it are resolved relative to `file`. */
async function resolveConfig(exported: unknown, file: string): Promise<LoadedConfig> {
  const config = check(exported, file);
  const { enabledProviders, acceptedTerms } = config;
  const loaded: Provider[] = [];
  for (const [index, name] of config.providers.entries()) loaded.push(await loadProvider(name, index, file));
  // Also checks the manifests, and that names are not taken twice.
  checkNames(loaded, 'enabledProviders', enabledProviders, file);
  checkNames(loaded, 'acceptedTerms', acceptedTerms, file);
  const offered = loaded.filter(({ manifest: { id } }) => enabledProviders?.includes(id) ?? true);
  const providers = createRegistry(offered).list();
  const plugins: Plugin[] = [];
  for (const [index, plugin] of config.plugins.entries()) {
    plugins.push(typeof plugin === 'string' ? await loadPlugin(plugin, index, file) : plugin);
  }
  const { enabledProviders: _chosen, ...rest } = config;
  return { ...rest, providers, plugins };
}

/** How to offer a first CLI, for a server that offers none. */
export const providersHint =
  "This server offers no CLI yet. To add one, run `npm install PACKAGE` with a package that the README of @sallyport/server names, write `export default { providers: ['PACKAGE'] };` into sallyport.config.ts in this directory, and start the server again.";

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

const example =
  "Write a file with: import { defineConfig } from '@sallyport/server'; export default defineConfig({ providers: ['PACKAGE-OR-FILE'] });";

function check(exported: unknown, file: string): CheckedConfig {
  if (exported === undefined) throw invalid(file, 'exports no default', example);
  const result = configSchema.safeParse(exported);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
    return unknown.length > 0
      ? unknown.map((key) => `${key} is not a setting${at(issue.path)}${newNameOf(key)}`).join('; ')
      : `${issue.path.join('.') || 'it'} ${readable(issue.message)}`;
  });
  throw invalid(file, `is not valid: ${problems.join('; ')}`);
}

/** Settings that had another name before 1.0. */
const renamedSettings: ReadonlyMap<string, string> = new Map([
  ['practice', 'fakeVendors'],
  ['iHaveReadTheTermsOf', 'acceptedTerms'],
  ['personUrl', 'userUrl'],
]);

function newNameOf(key: string): string {
  const name = renamedSettings.get(key);
  return name === undefined ? '' : ` (it is called ${name} now)`;
}

const at = (path: readonly PropertyKey[]): string => (path.length === 0 ? '' : ` of ${path.join('.')}`);
const readable = (message: string): string => (message.startsWith('must ') ? message : `is wrong (${message})`);

/** A misspelt name would leave a provider off, or on, without a word. */
function checkNames(
  providers: readonly Provider[],
  setting: string,
  ids: readonly string[] | undefined,
  file: string,
): void {
  const known = providers.map((provider) => provider.manifest.id);
  const stranger = ids?.find((id) => !known.includes(id));
  if (stranger === undefined) return;
  throw invalid(
    file,
    `names the provider ${stranger} in ${setting}, which none of its packages brings`,
    `It has ${known.join(', ')}.`,
  );
}

async function loadProvider(name: string, index: number, file: string): Promise<Provider> {
  const { provider } = await importNamed(name, `providers.${index}`, file);
  if (isProvider(provider)) return provider;
  throw invalid(
    file,
    `names ${name} in providers.${index}, which exports no \`provider\``,
    'See docs/write-a-provider.md.',
  );
}

async function loadPlugin(name: string, index: number, file: string): Promise<Plugin> {
  const { plugin } = await importNamed(name, `plugins.${index}`, file);
  if (isPlugin(plugin)) return plugin;
  throw invalid(file, `names ${name} in plugins.${index}, which exports no \`plugin\` with a name and an apply method`);
}

/** Only the outline: the registry checks the manifest. */
function isProvider(value: unknown): value is Provider {
  return typeof value === 'object' && value !== null && 'manifest' in value && typeof value.manifest === 'object';
}

function isPlugin(value: unknown): value is Plugin {
  return (
    typeof value === 'object' &&
    value !== null &&
    'apply' in value &&
    typeof value.apply === 'function' &&
    'name' in value
  );
}

/** Loads a module that a configuration file names. */
export function importNamed(name: string, where: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  return importModule(locate(name, file), `${name}, named in ${where} of ${file},`);
}

/** As `import` in the configuration file would find it. */
function locate(name: string, file: string): string {
  if (name.startsWith('file:')) return name;
  if (isAbsolute(name)) return pathToFileURL(name).href;
  if (name.startsWith('./') || name.startsWith('../')) return new URL(name, pathToFileURL(file)).href;
  try {
    return pathToFileURL(createRequire(file).resolve(name)).href;
  } catch {
    // A package without an entry for `require`, or none at all: then found, or not, from here.
    return name;
  }
}

async function importModule(url: string, what: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(/* @vite-ignore */ url);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SallyportError('CONFIG_INVALID', `${what} cannot be loaded: ${reason}`, {
      hint: 'Install it, or correct its name. A file needs its ending, for instance ./my-provider.ts.',
      cause,
    });
  }
}

function invalid(file: string, what: string, hint?: string): SallyportError {
  return new SallyportError('CONFIG_INVALID', `The configuration ${file} ${what}.`, hint === undefined ? {} : { hint });
}
