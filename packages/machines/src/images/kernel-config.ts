/**
 * What a kernel's configuration lost of a fragment: options that depend on others which are off, or that this release has
 * under another name, are dropped without a word. Both are texts of lines like `CONFIG_X=y`.
 */
export function lostOptions(fragment: string, config: string): readonly string[] {
  const result = readOptions(config);
  return [...readOptions(fragment)]
    .filter(([name, value]) => (result.get(name) ?? 'n') !== value)
    .map(([name, value]) => `${name}=${value}`);
}

/** An option that is off is absent, or in a comment. */
function readOptions(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/^(CONFIG_\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
}
