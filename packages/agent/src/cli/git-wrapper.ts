import { access, chmod, constants, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the machine's own git may be, in the order of a CLI's PATH. */
const PLACES = ['/usr/local/bin/git', '/usr/bin/git', '/bin/git'];

/**
 * Puts a `git` before the machine's own, which keeps the filters of a repository from running where they must not. Git
 * has no setting for that: a filter is known by a name that the repository chooses, and `git status` runs it for a file
 * that may have changed. Codex asks for the status with each prompt, and so another provider's CLI could have left one.
 *
 * Only callers that turn hooks off get it, as CLIs do when they ask for themselves. What a user has a prompt do, such as a
 * commit with LFS, is done by git as it is.
 */
export async function installGitWrapper(runtime: string): Promise<void> {
  const git = await findGit();
  // A CLI that finds none does without.
  if (git === undefined) return;
  const programs = join(runtime, 'bin');
  await mkdir(programs, { recursive: true, mode: 0o700 });
  const file = join(programs, 'git');
  await writeFile(`${file}.new`, script(git));
  await chmod(`${file}.new`, 0o755);
  await rename(`${file}.new`, file);
}

async function findGit(): Promise<string | undefined> {
  for (const place of PLACES) {
    const isThere = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return place;
  }
  return undefined;
}

/** Settings from the environment go before those of any file; an empty one turns a filter off. */
function script(git: string): string {
  return `#!/bin/sh
# A caller that turns hooks off wants nothing of the repository to run: its filters are turned off, too.
hooks=on
for argument; do
  [ "$argument" = core.hooksPath=/dev/null ] && hooks=off
done
if [ $hooks = off ]; then
  count=\${GIT_CONFIG_COUNT:-0}
  while IFS= read -r name; do
    [ -n "$name" ] || continue
    export "GIT_CONFIG_KEY_$count=$name" "GIT_CONFIG_VALUE_$count="
    count=$((count + 1))
  done <<END
$(${git} config --name-only --get-regexp '^filter[.].*[.](clean|smudge|process|required)$' 2>/dev/null)
END
  export GIT_CONFIG_COUNT=$count
fi
exec ${git} "$@"
`;
}
