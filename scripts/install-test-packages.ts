import { groups } from '../e2e/groups.ts';
import { ensurePackages } from '../test/setup/debian-packages.ts';
import { unitTestNeeds } from '../test/setup/requirements.ts';

/**
 * `node scripts/install-test-packages.ts [GROUP …]`: the Debian packages with which `npm test` skips nothing, and those of
 * end-to-end groups. Installs them if CI is true; else says which command does.
 */
const needs = process.argv.slice(2).flatMap((name) => {
  const group = groups[name];
  if (!group) throw new Error(`There is no group ${name}. Groups: ${Object.keys(groups).join(', ')}.`);
  return group.needs;
});
if (!ensurePackages([...unitTestNeeds, ...needs], 'Running every test')) process.exitCode = 1;
