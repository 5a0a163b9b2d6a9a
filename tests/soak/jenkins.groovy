// Runs a declarative Jenkinsfile: groovy jenkins.groovy JENKINSFILE. It knows the directives that
// docs/ci-recipes.md uses, and ends at any other. Not Jenkins: its language, Groovy, is the real one.

class Block {
    def run(Closure body) {
        body.delegate = this
        body.resolveStrategy = Closure.DELEGATE_ONLY
        body()
    }
}

class Environment extends Block {
    Map variables = [:]
    void setProperty(String name, value) { variables[name] = value.toString() }
}

class When extends Block {
    Map environment
    boolean buildingTag() { environment.TAG_NAME }
}

class Steps extends Block {
    Map environment
    // As Jenkins' own: the system's sh, which shows each command and ends at the first that fails.
    void sh(String script) {
        def process = new ProcessBuilder('sh', '-xe', '-c', script).inheritIO()
        process.environment().putAll(environment)
        def code = process.start().waitFor()
        if (code) {
            System.err.println("ERROR: script returned exit code $code")
            System.exit(1)
        }
    }
}

class Stage extends Block {
    Map environment
    boolean wanted = true
    void when(Closure body) { wanted = new When(environment: environment).run(body) }
    void steps(Closure body) { if (wanted) new Steps(environment: environment).run(body) }
}

class Stages extends Block {
    Map environment
    void stage(String name, Closure body) {
        println "[Pipeline] { ($name)"
        new Stage(environment: environment).run(body)
    }
}

class Pipeline extends Block {
    Map environment = new HashMap(System.getenv())
    def any = new Object()
    void agent(which) { assert which.is(any) }
    void environment(Closure body) {
        def found = new Environment()
        found.run(body)
        environment.putAll(found.variables)
    }
    void stages(Closure body) { new Stages(environment: environment).run(body) }
}

def binding = new Binding()
binding.setVariable('pipeline', { Closure body -> new Pipeline().run(body) })
new GroovyShell(binding).evaluate(new File(args[0]))
