import { stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline/promises';

import { provider } from '@sallyport/provider-codex';
import { openHostPreset } from '@sallyport/server/presets';

import { ask } from './ask.ts';

const [prompt = 'What is a sally port?'] = process.argv.slice(2);
const terminal = createInterface({ input: stdin, output: stdout });
const host = await openHostPreset({ dataDirectory: '.sallyport', log: console.log });
try {
  const answer = await ask({ ...host.options, providers: [provider] }, 'device-code', prompt, async (step) => {
    if (step.type === 'prompt') return terminal.question(`${step.message} `);
    console.log(step.type === 'url' ? `Open ${step.data.url} and type ${step.data.userCode}` : step.message);
    return '';
  });
  console.log(answer);
} finally {
  terminal.close();
  await host.close();
}
