import type { Provider } from '@sallyport/core/provider';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { createFakeAnthropic, createFakeGoogle, createFakeOpenai } from '@sallyport/testkit/vendors';
import type { FakeVendor, FakeVendorOptions, VendorState } from '@sallyport/testkit/vendors';

/** How a CLI is kept from what others leave in its working directory, and how to take that away. */
export interface WorkDefence {
  readonly provider: Provider;
  readonly create: (options: FakeVendorOptions) => FakeVendor<VendorState>;
  /** The provider with its protection taken away, which shows that the traps work. */
  readonly unprotected: (work: string) => Provider;
}

const hidden = /"hiddenInWork":\[[^\]]*\]/;

export const claudeInWork: WorkDefence = {
  provider: claude,
  create: createFakeAnthropic,
  unprotected: () =>
    changeManifest(claude, (text) =>
      text
        .replace('"ignore":["--setting-sources","user","--strict-mcp-config"]', '"ignore":[]')
        .replace(hidden, '"hiddenInWork":[]'),
    ),
};

export const codexInWork: WorkDefence = {
  provider: codex,
  create: createFakeOpenai,
  // It uses no configuration of a directory without trust, and its settings are replaced before each prompt.
  unprotected: (work) => {
    const trust = `\n[projects.${JSON.stringify(work)}]\ntrust_level = "trusted"\n`;
    const settings = codex.manifest.cli.settings.map(({ path, content }) => ({ path, content: content + trust }));
    return { ...codex, manifest: { ...codex.manifest, cli: { ...codex.manifest.cli, settings } } };
  },
};

export const geminiInWork: WorkDefence = {
  provider: gemini,
  create: createFakeGoogle,
  unprotected: () => changeManifest(gemini, (text) => text.replace(hidden, '"hiddenInWork":[]')),
};

export const workDefences: readonly WorkDefence[] = [claudeInWork, codexInWork, geminiInWork];

/** A provider whose manifest, as JSON, was changed. Throws if the change finds nothing. */
export function changeManifest(provider: Provider, edit: (text: string) => string): Provider {
  const original = JSON.stringify(provider.manifest);
  const edited = edit(original);
  if (edited === original) throw new Error('Nothing of the manifest has changed.');
  return { ...provider, manifest: JSON.parse(edited) };
}
