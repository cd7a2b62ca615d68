// Swagger UI over the API's own description; no badge of a validator elsewhere.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger", validatorUrl: null, deepLinking: true });
