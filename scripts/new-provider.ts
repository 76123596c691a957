import { createCommand } from '../packages/create-sallyport-provider/src/create-command.ts';

/** `npm create sallyport-provider` of this repository, without a release: `npm run new-provider -- NAME [DIRECTORY]`. */
process.exitCode = await createCommand(process.argv.slice(2), {
  command: 'npm run new-provider --',
  directory: process.cwd(),
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
});
