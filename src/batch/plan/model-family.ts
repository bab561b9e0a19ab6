/** What names a version of a model: `-latest`, `-preview`, a day (`-2025-12-01`), or a day without its year (`-0125`). */
const VERSION = /-(?:latest|preview|\d{4}-\d{2}-\d{2}|\d{4})$/

/** A model's name without its version: `qwen-plus` of `qwen-plus-latest` and `qwen-plus-2025-12-01`. */
export function familyOf(model: string): string {
  return model.replace(VERSION, '')
}

/** The other versions of `model` among `models`; each has limits of its own. */
export function versionsOf(model: string, models: Iterable<string>): string[] {
  const family = familyOf(model)
  return [...new Set(models)].filter((other) => other !== model && familyOf(other) === family)
}
