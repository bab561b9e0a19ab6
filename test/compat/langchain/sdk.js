export { tool } from '@langchain/core/tools'
export { ChatOpenAI } from '@langchain/openai'
