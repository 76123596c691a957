/**
 * Plays what goes wrong in earnest, and prints what came of it: `npm run drill -- hostile`, `npm run drill -- crash [load|FAULT|SCENARIO]`.
 * Ends with an error if something was not held.
 */
import { drillCrash } from './crash/crash.ts';
import { drillHostile } from './hostile/hostile.ts';

const drills = new Map([
  ['hostile', drillHostile],
  ['crash', drillCrash],
]);

const [name = '', only] = process.argv.slice(2);
const drill = drills.get(name);
if (!drill) {
  console.error(`There is no drill "${name}". Run: npm run drill -- ${[...drills.keys()].join('|')}`);
  process.exit(2);
}
const { held, failed } = await drill(only);
console.log(`${held} held, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
