import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Where the machine's own git may be, in the order of a CLI's PATH. */
const PLACES = ['/usr/local/bin/git', '/usr/bin/git', '/bin/git'];

/**
 * Puts a `git` before the machine's own, which keeps programs that a repository names from running where they must not.
 * Codex asks for the status with each prompt, and so another provider's CLI could have left one of these:
 *
 * - A filter runs for a file that may have changed. Git has no setting against it: a filter is known by a name that the
 *   repository chooses.
 * - In a repository that claims to be a partial clone, an object is missing, and git fetches it through the program that the
 *   repository names: `core.sshCommand`, `remote.NAME.uploadpack`, `core.gitProxy`, `credential.helper`.
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
  const helpers = join(programs, 'git-core');
  await linkHelpers(git, helpers);
  const file = join(programs, 'git');
  await writeFile(`${file}.new`, script(git, helpers));
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

/**
 * Links git's own programs, all but git: git looks for itself among them first, then on the PATH, where the wrapper is. So
 * the git that looks into a submodule, which has filters that only its own settings name, goes through the wrapper.
 */
async function linkHelpers(git: string, folder: string): Promise<void> {
  const { stdout } = await promisify(execFile)(git, ['--exec-path'], { env: {} });
  const source = stdout.trim();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const names = (await readdir(source).catch(() => [])).filter((name) => name !== 'git');
  await Promise.all(names.map((name) => symlink(join(source, name), join(folder, name))));
}

/** Settings from the environment go before those of any file; an empty one turns a filter off. */
function script(git: string, helpers: string): string {
  return `#!/bin/sh
# A caller that turns hooks off wants nothing of the repository to run: neither its filters nor what it would fetch with.
hooks=\${SALLYPORT_GIT_HOOKS:-on}
for argument; do
  [ "$argument" = core.hooksPath=/dev/null ] && hooks=off
done

# Lists the filters of the repository that the options before the command choose: those stay, the command is replaced.
list_filters() {
  rest=$#
  value=no
  while [ $rest -gt 0 ]; do
    if [ $value = yes ]; then
      value=no
    else
      case $1 in
        -c | -C | --git-dir | --work-tree | --namespace | --config-env | --attr-source) value=yes ;;
        -*) ;;
        *) break ;;
      esac
    fi
    set -- "$@" "$1"
    shift
    rest=$((rest - 1))
  done
  shift $rest
  ${git} "$@" config --name-only --get-regexp '^filter[.].*[.](clean|smudge|process|required)$' 2>/dev/null
}

if [ $hooks = off ]; then
  count=\${GIT_CONFIG_COUNT:-0}
  while IFS= read -r name; do
    case $name in filter.*) ;; *) continue ;; esac
    export "GIT_CONFIG_KEY_$count=$name" "GIT_CONFIG_VALUE_$count="
    count=$((count + 1))
  done <<END
$(list_filters "$@")
END
  # Releases before 2.44 do not know GIT_NO_LAZY_FETCH; without a protocol they find nothing to fetch with.
  export GIT_NO_LAZY_FETCH=1 GIT_ALLOW_PROTOCOL=none
  export GIT_CONFIG_COUNT=$count SALLYPORT_GIT_HOOKS=off GIT_EXEC_PATH=${helpers}
fi
exec ${git} "$@"
`;
}
