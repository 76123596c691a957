import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { manifestSchema } from '@sallyport/core/provider';
import type { ProviderManifestInput } from '@sallyport/core/provider';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';

import { everyField, sharedNodes } from '../scripts/manifest-schema.ts';
import { manifest as smallest } from '../scripts/smallest-manifest.ts';

const fields = everyField();

describe('the fields of a manifest', () => {
  it('are found however deep they are', () => {
    const paths = fields.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'spec',
        'logins[].drive.steps[].do.afterMs',
        'logins[].drive.steps[].do.request.replyWithinMs',
        'cli.hiddenInWork[].name',
        'Slot.flag',
        'credentials[].manualEntry.shape',
        'Matcher.pattern',
        'Question.choices[].send',
      ]),
    );
  });

  it('all say what they do', () => {
    const undescribed = fields.filter(({ node }) => !/^.{8,}[.]$/.test(node.description ?? ''));
    expect(undescribed.map(({ path }) => path)).toEqual([]);
    expect(Object.entries(sharedNodes).filter(([, { description }]) => description === undefined)).toEqual([]);
  });

  it('say it in the declarations that npm packs, where editors find it', async () => {
    const declarations = await readFile(
      join(import.meta.dirname, '../packages/core/dist/provider/manifest-input.d.ts'),
      'utf8',
    );
    const commented = new Set(
      [...declarations.matchAll(/\/\*\* (.+) \*\/\n *'?([\w-]+)'?\??:/g)].map(([, text, name]) => `${name}: ${text}`),
    );
    const missing = fields.filter(
      ({ name, node }) => ![...commented].some((comment) => comment.startsWith(`${name}: ${node.description}`)),
    );
    expect(missing.map(({ path }) => path)).toEqual([]);
  });

  it('have the types that the schema takes', () => {
    expectTypeOf<ProviderManifestInput>().toExtend<z.input<typeof manifestSchema>>();
    expectTypeOf<z.input<typeof manifestSchema>>().toExtend<ProviderManifestInput>();
  });
});

describe('the page of the manifest', () => {
  it('has a heading for each link to a part of it', async () => {
    const [page, hooks] = await Promise.all(
      ['manifest.md', 'hooks.md'].map((name) => readFile(join(import.meta.dirname, '../docs', name), 'utf8')),
    );
    const headings = [...`${page}`.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
    const links = [...`${page}`.matchAll(/\]\(#(.+?)\)/g), ...`${hooks}`.matchAll(/\]\(manifest\.md#(.+?)\)/g)];
    expect(links.length).toBeGreaterThan(20);
    expect(links.map(([, anchor]) => anchor).filter((anchor) => !headings.includes(`${anchor}`))).toEqual([]);
  });
});

describe('the smallest manifest of the page', () => {
  it('is valid', () => {
    expect(manifestSchema.parse(smallest)).toMatchObject(smallest);
  });

  it('is not valid without any one of its fields', () => {
    const places = placesIn(smallest, []);
    expect(places.length).toBeGreaterThan(30);
    const superfluous = places.filter((place) => manifestSchema.safeParse(without(smallest, place)).success);
    expect(superfluous).toEqual([]);
  });
});

/** Where the fields are. The keys of `bin` are platforms, of which an author has any number. */
function placesIn(value: unknown, at: readonly string[]): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = [...at, key];
    const isField = !Array.isArray(value) && at.at(-1) !== 'bin';
    return [...(isField ? [place] : []), ...placesIn(inner, place)];
  });
}

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-');
}

function without(value: unknown, [key = '', ...rest]: readonly string[]): unknown {
  const copy: unknown = structuredClone(value);
  if (typeof copy !== 'object' || copy === null) return copy;
  if (rest.length === 0) Reflect.deleteProperty(copy, key);
  else Reflect.set(copy, key, without(Reflect.get(copy, key), rest));
  return copy;
}
