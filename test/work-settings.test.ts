import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { expect, it } from 'vitest';

import { workSettings } from '../packages/testkit/src/driver-suite/work-settings.ts';

it('the suite for drivers plants all that a bundled provider hides of the working directory', () => {
  const planted = workSettings.flatMap(({ hidden }) => hidden);
  const hides = [claude, codex, gemini].flatMap(({ manifest }) => manifest.cli.hiddenInWork);
  expect(hides.length).toBeGreaterThan(0);
  expect(planted).toEqual(expect.arrayContaining(hides));
});
