import { chmod, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { removeTree } from '../../host/remove-tree.ts';
import { namesIn } from '../../host/names-in.ts';
import { layoutIn } from '../layout.ts';
import type { QemuLayout } from '../layout.ts';
import { flush } from '../snapshot/snapshot-directory.ts';
import { templateKey } from './facts.ts';
import type { TemplateFacts } from './facts.ts';

export interface Template {
  readonly key: string;
  readonly facts: TemplateFacts;
  readonly layout: QemuLayout;
  /** Milliseconds since 1970. */
  readonly usedAt: number;
}

/** The templates of a data directory, in `qemu-templates/<key>/`: for the server alone, and whole or not there. */
export interface Shelf {
  /** Where one is made: the same directory, with a name that says it is not whole. */
  unfinished(key: string): QemuLayout;
  /** Puts what was made there with the others. */
  add(facts: TemplateFacts): Promise<void>;
  find(key: string): Promise<Template | undefined>;
  list(): Promise<readonly Template[]>;
  /** It was used now. */
  touch(key: string, now: number): Promise<void>;
  remove(key: string): Promise<void>;
  /** What a server that died was making. */
  leftovers(): Promise<readonly QemuLayout[]>;
}

const FACTS = 'template.json';
const UNFINISHED = '.unfinished';

export function openShelf(dataDirectory: string): Shelf {
  const directory = join(dataDirectory, 'qemu-templates');
  const placeOf = (key: string): string => join(directory, key);
  const unfinished = (key: string): QemuLayout => layoutIn(`${placeOf(key)}${UNFINISHED}`);

  async function find(key: string): Promise<Template | undefined> {
    const path = join(placeOf(key), FACTS);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    const facts = text === undefined ? undefined : parseFacts(text);
    if (!facts || templateKey(facts) !== key) return undefined;
    return { key, facts, layout: layoutIn(placeOf(key)), usedAt: (await stat(path)).mtimeMs };
  }

  return {
    unfinished,
    add: async (facts) => {
      const key = templateKey(facts);
      const { root, disk, agentDrive } = unfinished(key);
      await chmod(root, 0o700);
      await writeFile(join(root, FACTS), JSON.stringify(facts, null, 2), { mode: 0o600 });
      for (const file of [disk, agentDrive, join(root, FACTS), root]) await flush(file);
      await removeTree(placeOf(key));
      await rename(root, placeOf(key));
      await flush(directory);
    },
    find,
    list: async () => {
      const found = await Promise.all((await namesIn(directory)).map(find));
      return found.filter((template) => template !== undefined);
    },
    touch: (key, now) => utimes(join(placeOf(key), FACTS), now / 1000, now / 1000),
    remove: async (key) => {
      // At once, by its name: half a removal must not leave what could be woken.
      const going = `${placeOf(key)}.removed${UNFINISHED}`;
      await removeTree(going);
      await rename(placeOf(key), going).catch(() => {});
      await removeTree(going);
    },
    leftovers: async () =>
      (await namesIn(directory))
        .filter((name) => name.endsWith(UNFINISHED))
        .map((name) => layoutIn(join(directory, name))),
  };
}

function parseFacts(text: string): TemplateFacts | undefined {
  try {
    return Object(JSON.parse(text));
  } catch {
    return undefined;
  }
}
