import { describe, expectTypeOf, it } from 'vitest'
import type { Account } from '../../src/models/account.js'
import type { ModelRegistry } from '../../src/models/model-registry.js'
import type { ModelState } from '../../src/models/model-state.js'
import type { Exhaustion } from '../../src/models/state/exhaustion.js'
import type { ModelHold } from '../../src/models/state/model-hold.js'
import type { ModelLimits } from '../../src/models/state/model-limits.js'
import type { ModelOutputAccounting } from '../../src/models/state/model-output-accounting.js'
import type { ModelPacing } from '../../src/models/state/model-pacing.js'
import type { Workspace } from '../../src/models/workspace.js'

// The two functions are the usual way to compare types exactly, `readonly` included.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** The public fields of a class that other code can assign to. Methods do not count. */
type MutableFields<T> = {
  [K in keyof T]: T[K] extends (...args: never[]) => unknown
    ? never
    : IsSame<Pick<T, K>, Readonly<Pick<T, K>>> extends true
      ? never
      : K
}[keyof T]

describe('the state of a model', () => {
  it('can only be changed through methods', () => {
    expectTypeOf<MutableFields<ModelState>>().toBeNever()
    expectTypeOf<MutableFields<ModelHold>>().toBeNever()
    expectTypeOf<MutableFields<ModelLimits>>().toBeNever()
    expectTypeOf<MutableFields<ModelOutputAccounting>>().toBeNever()
    expectTypeOf<MutableFields<ModelPacing>>().toBeNever()
    expectTypeOf<MutableFields<Exhaustion>>().toBeNever()
    expectTypeOf<MutableFields<ModelRegistry>>().toBeNever()
    expectTypeOf<MutableFields<Workspace>>().toBeNever()
    expectTypeOf<MutableFields<Account>>().toBeNever()
  })

  it('is checked by a type that finds an assignable field', () => {
    class Sample {
      readonly fixed = 1
      open = 2
      #hidden = 3
      get seen(): number {
        return this.#hidden
      }
      change(): void {
        this.#hidden++
      }
    }
    expectTypeOf<MutableFields<Sample>>().toEqualTypeOf<'open'>()
  })
})
