import { readFile, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { tryParseJsonc } from '@sallyport/core/driver';

import type { NpmQuery } from './ask-npm.ts';

/** How the operator has npm reach its registries. */
export interface NpmSettings {
  /** The default registry and those of scopes. */
  readonly registries: readonly URL[];
  /** Where npm gets a package: the registry of its scope if there is a line for it, else the default one. */
  registryFor(packageName: string): URL | undefined;
  /** The operator's proxy for a URL, as npm chooses it. */
  proxyFor(url: URL): URL | undefined;
  /** PEM; trusted beside those that Node trusts. */
  readonly certificateAuthority: string | undefined;
}

const DEFAULT_REGISTRY = 'https://registry.npmjs.org/';

/**
 * Asks npm for its settings, since they come from several files and variables. `npm config` lists the registries of scopes
 * but no URL with a password; scripts get those in their environment. Neither needs a network.
 */
export async function readNpmSettings({ npm, directory, env }: NpmQuery): Promise<NpmSettings> {
  await writeFile(join(directory, 'package.json'), JSON.stringify({ scripts: { settings: 'env' } }));
  const listed = settingsIn(await npm(['config', 'list', '--json']));
  const exported = variablesIn(await npm(['run', 'settings', '--script-shell=/bin/sh']));
  const value = (name: string): string | undefined => exported.get(name) ?? listed.get(name.replaceAll('_', '-'));
  const registry = value('registry') ?? DEFAULT_REGISTRY;
  const urls = [registry, ...[...listed].flatMap(([key, text]) => (/^@.*:registry$/.test(key) ? [text] : []))];
  const variables = new Map(Object.entries(env).map(([name, text]) => [name.toLowerCase(), text]));
  const configured = value('https_proxy') ?? value('proxy');
  const byVariable = variables.get('https_proxy');
  const exempt = value('noproxy') ?? variables.get('no_proxy') ?? '';
  const cafile = value('cafile');
  return {
    registries: urls.flatMap((url) => URL.parse(url) ?? []),
    registryFor: (packageName) => {
      const ofScope = packageName.startsWith('@') ? listed.get(`${packageName.split('/')[0]}:registry`) : undefined;
      return URL.parse(ofScope ?? registry) ?? undefined;
    },
    proxyFor: (url) => {
      const otherwise = url.protocol === 'https:' ? byVariable : (byVariable ?? variables.get('http_proxy'));
      const proxy = configured ?? otherwise;
      return proxy === undefined || isExempt(url.hostname, exempt) ? undefined : (URL.parse(proxy) ?? undefined);
    },
    certificateAuthority:
      cafile !== undefined && isAbsolute(cafile) ? await readFile(cafile, 'utf8').catch(() => undefined) : undefined,
  };
}

function settingsIn(json: string): ReadonlyMap<string, string> {
  const parsed = tryParseJsonc(json);
  if (typeof parsed !== 'object' || parsed === null) {
    throw new SallyportError('PROVIDER_CLI_MISSING', 'npm did not print its settings as JSON.', {
      hint: 'Check what `npm config list --json` prints on this host.',
    });
  }
  const entries = Object.entries(parsed);
  return new Map(entries.flatMap(([key, value]) => (typeof value === 'string' && value ? [[key, value]] : [])));
}

/** The npm settings in a list of environment variables. Their names may be of either case. */
function variablesIn(text: string): ReadonlyMap<string, string> {
  const found = text.matchAll(/^npm_config_(registry|proxy|https_proxy|noproxy|cafile)=(.+)$/gim);
  return new Map([...found].map(([, name = '', value = '']) => [name.toLowerCase(), value]));
}

/** npm compares whole labels from the end, with or without a dot in front. */
function isExempt(hostname: string, list: string): boolean {
  const suffixes = list.split(',').map((entry) => entry.trim().replace(/^\.+/, ''));
  return suffixes.some((suffix) => suffix !== '' && (hostname === suffix || hostname.endsWith(`.${suffix}`)));
}
