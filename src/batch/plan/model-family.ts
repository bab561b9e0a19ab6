/** The version suffix of a model: `-latest`, `-preview`, a date (`-2025-12-01`), or a date without its year (`-0125`). */
const VERSION = /-(?:latest|preview|\d{4}-\d{2}-\d{2}|\d{4})$/

/** Returns a model's name without its version, such as `qwen-plus` for `qwen-plus-latest` and `qwen-plus-2025-12-01`. */
export function familyOf(model: string): string {
  return model.replace(VERSION, '')
}

/** Returns the other versions of `model` among `models`. Each version has its own limits. */
export function versionsOf(model: string, models: Iterable<string>): string[] {
  const family = familyOf(model)
  return [...new Set(models)].filter((other) => other !== model && familyOf(other) === family)
}
