#!/usr/bin/env node
import { createCommand } from './create-command.ts';

process.exitCode = await createCommand(process.argv.slice(2), {
  command: 'npm create sallyport-provider',
  directory: process.cwd(),
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
});
