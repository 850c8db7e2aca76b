package command

func postSpecs() []Spec { return nil }
