export { AzureOpenAI, OpenAI, toFile } from 'openai'
