"""Wire of logging: KubeSphere's query parameters and answers, and Elasticsearch's bulk request."""
