import { describe, expect, test } from 'vitest'
import { didYouMean, nameAdvice } from '../../src/limits/did-you-mean.js'

describe('didYouMean', () => {
  test('names the nearest name, behind a blank', () => {
    expect(`No model 'qwen-plsu'.${didYouMean('qwen-plsu', ['qwen-max', 'qwen-plus'])}`).toBe(
      "No model 'qwen-plsu'. Did you mean 'qwen-plus'?",
    )
  })

  test('is empty where no name is near', () => {
    expect(didYouMean('claude', ['qwen-max', 'qwen-plus'])).toBe('')
    expect(didYouMean('qwen-plus', [])).toBe('')
  })
})

describe('nameAdvice', () => {
  test('asks for the name that was meant, in quotes or without', () => {
    expect(nameAdvice('rpm', 'there are rpm, tpm')).toBe("did you mean 'rpm'?")
    expect(nameAdvice('rpm', 'there are rpm, tpm', '')).toBe('did you mean rpm?')
  })

  test('says what there is where nothing was meant', () => {
    expect(nameAdvice(undefined, 'there are rpm, tpm')).toBe('there are rpm, tpm')
  })
})
